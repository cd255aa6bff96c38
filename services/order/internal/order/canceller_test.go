package order_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"souk.example/pkg/groupcommit"
	"souk.example/services/order/internal/order"
)

// slow is a Store of PENDING orders of user 1 whose first unit waits.
type slow struct {
	order.Store // the method cancels do not use
	order.Unit
	units, saved int
	wait         chan struct{}
}

func (s *slow) InUnit(ctx context.Context, fn func(context.Context, order.Unit) error) error {
	if s.units++; s.units == 1 {
		<-s.wait
	}
	return fn(ctx, s)
}

func (s *slow) Now(context.Context) (time.Time, error) { return at, nil }

func (s *slow) Lock(_ context.Context, ids []order.ID) (map[order.ID]*order.State, error) {
	states := map[order.ID]*order.State{}
	for _, id := range ids {
		states[id] = &order.State{ID: id, Key: order.Key{User: 1}, Status: order.Pending, Version: 1}
	}
	return states, nil
}

func (s *slow) Save(_ context.Context, updates []order.Update) error {
	s.saved += len(updates)
	return nil
}

// Cancels that wait while one is committed are the next transaction.
func TestCancelsShareATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{wait: make(chan struct{})}
		c := order.NewCanceller(s, policy(), groupcommit.Config{})
		ctx, stop := context.WithCancel(t.Context())
		var running, callers sync.WaitGroup
		running.Go(func() { _ = c.Run(ctx) })
		for id := range order.ID(101) {
			callers.Go(func() {
				if got, err := c.Cancel(t.Context(), order.CancelOrder{Order: id + 1, User: 1}); err != nil || got.Status != order.Cancelled {
					t.Errorf("order %d: %s, %v", id+1, got.Status, err)
				}
			})
			synctest.Wait()
		}
		close(s.wait)
		callers.Wait()
		stop()
		running.Wait()
		if s.units != 2 || s.saved != 101 {
			t.Errorf("%d orders were cancelled in %d transactions", s.saved, s.units)
		}
	})
}
