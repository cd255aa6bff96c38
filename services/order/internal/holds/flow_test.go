package holds_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/idgen"
	"souk.example/pkg/money"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/services/order/internal/holds"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
	"souk.example/services/order/migrations"
)

type silent struct{}

func (silent) Append(context.Context, *database.Tx, string, ...eventbus.Event) error { return nil }

type noGate struct{}

func (noGate) Admit(_ context.Context, asks []order.Ask) []order.Admission {
	return make([]order.Admission, len(asks))
}

func (noGate) Withdraw(context.Context, []order.Ask) {}

// shop is replicas of the order service's intake over one database, in which TEA
// costs 5.00, and one Redis.
type shop struct {
	t       testing.TB
	store   *store.Store
	placers []*order.Placer
}

func open(t testing.TB, redisAddr string, replicas int, cfg holds.Config) *shop {
	t.Helper()
	var ledgers []*holds.Ledger
	for range replicas {
		l := ledger(t, patient(t, redisAddr), cfg)
		run(t, l)
		ledgers = append(ledgers, l)
	}
	return openWith(t, ledgers...)
}

// openWith opens a replica for each ledger.
func openWith(t testing.TB, ledgers ...*holds.Ledger) *shop {
	t.Helper()
	db := databasetest.Open(t, migrations.Set())
	s := &shop{t: t}
	for i, l := range ledgers {
		s.store = store.New(db, silent{}, store.WithListener(l))
		p := order.NewPlacer(s.store, l, noGate{}, idgen.Static(i), order.Limits{}, groupcommit.Config{
			BatchMax: 64, Timeout: time.Minute, Retry: database.IsTransient,
		})
		run(t, p)
		s.placers = append(s.placers, p)
	}
	s.inUnit(func(ctx context.Context, u order.Unit) error {
		return u.LearnPrices(ctx, []order.Price{{SKU: "TEA", Version: 1, Amount: money.Of(500, "CNY")}})
	})
	return s
}

func (s *shop) inUnit(do func(context.Context, order.Unit) error) {
	s.t.Helper()
	if err := s.store.InUnit(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) place(replica int, user order.UserID, key string) (order.Placement, error) {
	return s.placers[replica].Place(s.t.Context(), order.PlaceOrder{
		Key: order.Key{User: user, Key: key}, Items: []order.Item{{SKU: "TEA", Quantity: 1}}, Method: contracts.MethodWallet,
	})
}

func tooMany(err error) bool {
	return errors.Is(err, apperr.New(apperr.TooMany, contracts.CodeTooManyOpenOrders, ""))
}

func placed(err error) bool { return err == nil }

// punished is refused for longer than until an order's deadline.
func punished(err error) bool { return tooMany(err) && apperr.From(err).RetryAfter > 30*time.Minute }

// Whichever way an order ends, its owner may place another one; at once, unless
// it lapsed. However full a user is, what was placed replays.
func TestASlotIsFreeWhenItsOrderEnds(t *testing.T) {
	t.Parallel()
	policy := order.Policy{BeforePayment: []order.Condition{{Fact: order.StockReserved}}}
	learn := func(facts ...order.Fact) func(*shop, *order.State) {
		return func(s *shop, o *order.State) {
			for _, f := range facts {
				s.inUnit(func(ctx context.Context, u order.Unit) error {
					return order.NewLearner(policy, new(order.Pacer)).Learn(ctx, u, []order.Report{{Order: o.ID, Fact: f}})
				})
			}
		}
	}
	for name, tc := range map[string]struct {
		ends func(*shop, *order.State)
		then func(error) bool // what another order is answered
	}{
		"paid":           {learn(order.StockReserved, order.Captured), placed},
		"out of stock":   {learn(order.StockRefused), placed},
		"payment failed": {learn(order.StockReserved, order.PaymentFailed), placed},
		"cancelled": {func(s *shop, o *order.State) {
			c := order.NewCanceller(s.store, policy, groupcommit.Config{})
			run(s.t, c)
			if _, err := c.Cancel(s.t.Context(), order.CancelOrder{Order: o.ID, User: o.Key.User}); err != nil {
				s.t.Error(err)
			}
		}, placed},
		"lapsed": {func(s *shop, o *order.State) {
			s.inUnit(func(ctx context.Context, u order.Unit) error {
				return order.NewExpirer(policy).Expire(ctx, u, []order.ID{o.ID})
			})
		}, punished},
		"reserved": {learn(order.StockReserved), tooMany},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, redistest.Start(t).Addr(), 1, holds.Config{Max: 1, Penalty: time.Hour})
			first, err := s.place(0, 1, "first")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.place(0, 1, "second"); !tooMany(err) {
				t.Errorf("the second got %v", err)
			}
			tc.ends(s, first.Order)
			redistest.Eventually(t, "the next is answered as it should be", func() bool { _, err := s.place(0, 1, "second"); return tc.then(err) })
			if again, err := s.place(0, 1, "first"); err != nil || !again.Replayed {
				t.Errorf("the first replays as %+v, %v", again, err)
			}
		})
	}
}

// Two replicas count together: of many requests at once, exactly as many pass as
// there are slots.
func TestReplicasShareTheCount(t *testing.T) {
	t.Parallel()
	const requests, slots = 200, 17
	s := open(t, redistest.Start(t).Addr(), 2, holds.Config{Max: slots})
	var placed, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range requests {
		wg.Go(func() {
			switch _, err := s.place(i%2, 1, fmt.Sprint(i)); {
			case err == nil:
				placed.Add(1)
			case tooMany(err):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if placed.Load() != slots || refused.Load() != requests-slots {
		t.Errorf("%d placed and %d refused of %d, want %d placed", placed.Load(), refused.Load(), requests, slots)
	}
}

// Orders are placed while Redis is down, and counted when it is back.
func TestOrdersArePlacedWithoutRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, server.Addr(), 1, holds.Config{Max: 1, RetryPause: time.Nanosecond})
	server.Kill()
	for i := range 5 {
		if _, err := s.place(0, 1, fmt.Sprint(i)); err != nil {
			t.Error(err)
		}
	}
	server.Restart()
	tries := 5
	redistest.Eventually(t, "somebody is refused", func() bool { tries++; _, err := s.place(0, 1, fmt.Sprint(tries)); return tooMany(err) })
}
