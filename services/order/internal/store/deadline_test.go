package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/waitlist"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
	"souk.example/services/order/migrations"
)

// shop is a store with its database and what it has said.
type shop struct {
	*store.Store
	db  *database.DB
	box *emitted
}

func openShop(t testing.TB) shop {
	t.Helper()
	db, box := databasetest.Open(t, migrations.Set()), &emitted{}
	return shop{Store: store.New(db, box), db: db, box: box}
}

func (s shop) now(t testing.TB) (now time.Time) {
	t.Helper()
	err := s.db.Snapshot(t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
		now, err = tx.Now(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func (s shop) number(t testing.TB, query string) (n int64) {
	t.Helper()
	if err := s.db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// idAt is the n-th id made at a time.
func idAt(made time.Time, n int64) int64 {
	return made.Sub(idgen.Parse(0).Time).Milliseconds()<<22 | n
}

// placedAt is a PENDING order that was made and stored at one time.
func placedAt(made time.Time, n int64, deadline time.Time) *order.State {
	s := pending(idAt(made, n), 1, fmt.Sprint(made.UnixMilli(), "-", n))
	s.CreatedAt, s.Deadline = made, deadline
	return s
}

// watch runs a Watcher for the length of the test.
func (s shop) watch(t testing.TB, cfg waitlist.Config) { s.nudgeAfter(t, time.Hour, cfg) }

// nudgeAfter is watch with orders that ask again after a while.
func (s shop) nudgeAfter(t testing.TB, after time.Duration, cfg waitlist.Config) {
	t.Helper()
	w := s.Watcher(order.NewExpirer(policy()), after, cfg, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func quick(batch int) waitlist.Config {
	return waitlist.Config{Owner: "test", Every: 5 * time.Millisecond, Batch: batch, Stretch: batch}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// Whoever waits past its deadline is cancelled, wherever the order stands to
// the walk; nobody else is, and the list ends empty of what is due.
func TestDeadlinesPass(t *testing.T) {
	for _, batch := range []int{1, 500} {
		t.Run(fmt.Sprintf("batches of %d", batch), func(t *testing.T) {
			s := openShop(t)
			now := s.now(t)
			old, past, soon, later := now.Add(-10*time.Minute), now.Add(-time.Minute), now.Add(time.Second), now.Add(time.Hour)
			states := map[string]*order.State{
				"late when placed":            placedAt(now, 1, past),
				"placed with a near deadline": placedAt(now, 2, soon),
				"walked past its deadline":    placedAt(old, 3, past),
				"walked before it":            placedAt(old, 4, soon),
				"reserved":                    placedAt(old, 5, soon),
				"a neighbour may wait longer": placedAt(old, 6, later),
				"paid":                        placedAt(old, 7, past),
				"rejected":                    placedAt(old, 8, past),
				"placed just now":             placedAt(now, 9, later),
			}
			var all []*order.State
			for _, st := range states {
				all = append(all, st)
			}
			if err := insert(t, s.Store, all...); err != nil {
				t.Fatal(err)
			}
			if n := s.number(t, "SELECT COUNT(*) FROM straggler WHERE why = 'deadline'"); n != 2 {
				t.Errorf("%d orders were listed when placed, want the two that the walk would miss", n)
			}
			err := learn(t, s.Store,
				order.Report{Order: states["reserved"].ID, Fact: order.StockReserved},
				order.Report{Order: states["paid"].ID, Fact: order.Captured},
				order.Report{Order: states["rejected"].ID, Fact: order.StockRefused})
			if err != nil {
				t.Fatal(err)
			}
			s.watch(t, quick(batch))
			eventually(t, "five orders are cancelled", func() bool {
				return s.number(t, "SELECT COUNT(*) FROM orders WHERE status = 'CANCELLED'") == 5
			})
			for name, want := range map[string]order.Status{
				"late when placed": order.Cancelled, "placed with a near deadline": order.Cancelled, "walked past its deadline": order.Cancelled,
				"walked before it": order.Cancelled, "reserved": order.Cancelled, "a neighbour may wait longer": order.Pending,
				"paid": order.Paid, "rejected": order.Rejected, "placed just now": order.Pending,
			} {
				got, err := s.Get(t.Context(), 1, states[name].ID)
				if err != nil || got.Status != want || want == order.Cancelled && (got.Reason != contracts.ReasonDeadlinePassed || got.ClosedAt.Before(got.Deadline)) {
					t.Errorf("%s: %+v, %v", name, got, err)
				}
			}
			if n := s.number(t, "SELECT COUNT(*) FROM straggler WHERE why = 'deadline'"); n != 1 {
				t.Errorf("%d orders are on the list, want the one that may wait longer", n)
			}
		})
	}
}

// An order that commits after the walk has passed its id is not missed.
func TestALateCommitIsNotMissed(t *testing.T) {
	s := openShop(t)
	now := s.now(t)
	made := now.Add(-2 * time.Minute)
	if err := insert(t, s.Store, placedAt(made, 100, now.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	s.watch(t, quick(500))
	eventually(t, "the walk has passed", func() bool { return s.number(t, "SELECT walked FROM watch") == idAt(made, 100) })
	late := placedAt(made, 50, now.Add(200*time.Millisecond))
	late.CreatedAt = now
	longer := placedAt(made, 51, now.Add(time.Hour))
	longer.CreatedAt = now
	if err := insert(t, s.Store, late, longer); err != nil {
		t.Fatal(err)
	}
	for _, why := range []string{"deadline", "nudge"} {
		if n := s.number(t, fmt.Sprintf("SELECT COUNT(*) FROM straggler WHERE order_id = %d AND why = '%s'", longer.ID, why)); n != 1 {
			t.Fatalf("nobody will ever look for the %s of an order that committed late", why)
		}
	}
	eventually(t, "the late one is cancelled", func() bool {
		got, err := s.Get(t.Context(), 1, late.ID)
		return err == nil && got.Status == order.Cancelled
	})
	if n := s.number(t, "SELECT COUNT(*) FROM straggler WHERE why = 'deadline'"); n != 2 {
		t.Errorf("%d orders are listed, want the two that wait", n)
	}
}

// An order that cannot be cancelled holds up no other.
func TestAnUnreadableOrderHoldsUpNobody(t *testing.T) {
	s := openShop(t)
	now := s.now(t)
	var states []*order.State
	for n := range int64(5) {
		states = append(states, placedAt(now, n, now))
	}
	if err := insert(t, s.Store, states...); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(t.Context(), "UPDATE orders SET items = 'x' WHERE id = ?", int64(states[2].ID)); err != nil {
		t.Fatal(err)
	}
	s.watch(t, quick(500))
	eventually(t, "the other four are cancelled", func() bool {
		return s.number(t, "SELECT COUNT(*) FROM orders WHERE status = 'CANCELLED'") == 4
	})
	eventually(t, "the fifth is put off", func() bool {
		return s.number(t, fmt.Sprintf("SELECT due FROM straggler WHERE why = 'deadline' AND order_id = %d", states[2].ID)) > database.Micros(now.Add(time.Second))
	})
	if n := s.number(t, "SELECT COUNT(*) FROM straggler WHERE why = 'deadline'"); n != 1 {
		t.Errorf("%d orders are listed", n)
	}
}

// Three replicas watch, owners cancel and payment captures, all at once: every
// order is closed once or paid, and says so once.
func TestDeadlineRaces(t *testing.T) {
	s := openShop(t)
	const orders = 60
	now := s.now(t)
	var states []*order.State
	for n := range int64(orders) {
		states = append(states, placedAt(now, n, now.Add(time.Duration(n)*5*time.Millisecond)))
	}
	if err := insert(t, s.Store, states...); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.watch(t, waitlist.Config{Every: time.Millisecond, LeaseTTL: 20 * time.Millisecond, Batch: 7})
	}
	c := canceller(t, s.Store, 500)
	var wg sync.WaitGroup
	for i, st := range states {
		wg.Go(func() {
			switch i % 3 {
			case 0:
				_, _ = c.Cancel(t.Context(), order.CancelOrder{Order: st.ID, User: 1}) // the deadline may have been first
			case 1:
				if err := learn(t, s.Store, order.Report{Order: st.ID, Fact: order.Captured}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "every order is decided", func() bool {
		return s.number(t, "SELECT COUNT(*) FROM orders WHERE status = 'PENDING'") == 0
	})
	eventually(t, "the list is empty", func() bool { return s.number(t, "SELECT COUNT(*) FROM straggler WHERE why = 'deadline'") == 0 })
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	ids := s.box.ids()
	if unique := slices.Compact(slices.Clone(ids)); len(unique) != len(ids) {
		t.Errorf("an event was emitted twice: %v", ids)
	}
	if n := s.number(t, "SELECT COUNT(*) FROM orders WHERE status = 'CANCELLED' OR status = 'PAID'"); n != orders {
		t.Errorf("%d of %d orders are decided", n, orders)
	}
}
