package redlock_test

import (
	"context"
	"errors"
	"testing"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
)

// However a term ends, its lock is held while Resigned runs, and free afterwards.
func TestResignedRunsBeforeTheNextTerm(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	for name, c := range map[string]struct {
		lead     func(stop func()) error
		resigned func()
		panics   bool
	}{
		"lead returns":    {func(func()) error { return failed }, func() {}, false},
		"stopped":         {func(stop func()) error { stop(); return nil }, func() {}, false},
		"lead panics":     {func(func()) error { panic(failed) }, func() {}, true},
		"Resigned panics": {func(func()) error { return failed }, func() { panic(failed) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.Open(t)
			other := lockerOn(t, []*redisclient.Client{rdb}, redlock.Config{})
			resigned := 0
			elector := newElector(t, lockerOn(t, []*redisclient.Client{rdb}, redlock.Config{}), redlock.ElectorConfig{
				Resigned: func(redlock.Term, error) {
					resigned++
					if _, err := other.TryAcquire(t.Context(), "job"); !errors.Is(err, redlock.ErrNotAcquired) {
						t.Errorf("another may lead while Resigned runs: %v", err)
					}
					c.resigned()
				},
			})
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			func() {
				defer func() {
					if panicked := recover() != nil; panicked != c.panics {
						t.Errorf("panicked: %v", panicked)
					}
				}()
				_ = elector.Run(ctx, func(context.Context, redlock.Term) error { return c.lead(stop) })
			}()
			if resigned != 1 {
				t.Errorf("Resigned was called %d times", resigned)
			}
			if err := other.TryDo(t.Context(), "job", func(context.Context) error { return nil }); err != nil {
				t.Errorf("the lock was not given back: %v", err)
			}
		})
	}
}
