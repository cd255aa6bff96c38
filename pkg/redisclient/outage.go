package redisclient

import (
	"context"
	"log/slog"
	"sync"
)

// Outage has a log tell of the first failure of many, as a warning, and of the
// success that ends them, with their number. Its fields do not change once it
// is in use. Safe for concurrent use.
type Outage struct {
	Log          *slog.Logger
	Begun, Ended string // the messages

	mu       sync.Mutex
	failures int
}

// Note takes the outcome of a try.
func (o *Outage) Note(ctx context.Context, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil && o.failures > 0:
		o.Log.InfoContext(ctx, o.Ended, "failures", o.failures)
		o.failures = 0
	case err != nil:
		if o.failures++; o.failures == 1 {
			o.Log.WarnContext(ctx, o.Begun, "error", err)
		}
	}
}
