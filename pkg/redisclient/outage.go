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
	failures int // since the outage began
	all      int // since ever
}

// Try is one of several tries that go on at once.
type Try struct {
	outage *Outage
	all    int
}

// Begin begins a try. A success that was asked for before another try failed may
// have been had before the outage: only one that begins later ends it.
func (o *Outage) Begin() Try {
	o.mu.Lock()
	defer o.mu.Unlock()
	return Try{outage: o, all: o.all}
}

// Note takes the outcome of the try.
func (t Try) Note(ctx context.Context, err error) {
	t.outage.mu.Lock()
	defer t.outage.mu.Unlock()
	if err != nil || t.all == t.outage.all {
		t.outage.note(ctx, err)
	}
}

// Note takes the outcome of a try that went on alone.
func (o *Outage) Note(ctx context.Context, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.note(ctx, err)
}

func (o *Outage) note(ctx context.Context, err error) {
	switch {
	case err == nil && o.failures > 0:
		o.Log.InfoContext(ctx, o.Ended, "failures", o.failures)
		o.failures = 0
	case err != nil:
		o.all++
		if o.failures++; o.failures == 1 {
			o.Log.WarnContext(ctx, o.Begun, "error", err)
		}
	}
}
