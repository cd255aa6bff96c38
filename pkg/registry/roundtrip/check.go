package roundtrip

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Run asks every instance for its health until ctx ends, and returns nil.
// Without it only the requests tell which instances are well.
func (t *Transport) Run(ctx context.Context) error {
	ticks := time.NewTicker(t.cfg.CheckEvery)
	defer ticks.Stop()
	for {
		t.checkAll(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// checkAll asks all at once and waits for the last, so that checks of one
// instance never overlap.
func (t *Transport) checkAll(ctx context.Context) {
	var checks sync.WaitGroup
	for _, to := range t.pool.all() {
		checks.Go(func() {
			ok := t.check(ctx, to)
			if ctx.Err() == nil {
				t.pool.checked(to, ok)
			}
		})
	}
	checks.Wait()
}

// check reports whether the instance says with a 2xx that it is well.
func (t *Transport) check(ctx context.Context, to *target) bool {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.CheckTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.url.JoinPath(t.cfg.CheckPath).String(), nil)
	if err != nil {
		return false
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return false
	}
	discard(resp)
	return resp.StatusCode/100 == 2
}
