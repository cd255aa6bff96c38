package gate_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/contracts"
	"souk.example/internal/stockgate"
	"souk.example/pkg/apperr"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/idgen"
	"souk.example/pkg/money"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/services/order/internal/gate"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
	"souk.example/services/order/migrations"
)

type silent struct{}

func (silent) Append(context.Context, *database.Tx, string, ...eventbus.Event) error { return nil }

type anyNumber struct{}

func (anyNumber) Take(_ context.Context, keys []order.Key) []order.Slot {
	return make([]order.Slot, len(keys))
}

func (anyNumber) Free(context.Context, []order.Key) {}

// shop is replicas of the order service's intake over one database, in which TEA
// and INK cost 5.00, and one Redis.
type shop struct {
	t       testing.TB
	rdb     *redisclient.Client
	store   *store.Store
	placers []*order.Placer
}

// open opens a shop whose replicas know of the gates, of which INK's has nothing.
func open(t testing.TB, replicas int, tea stockgate.Gate) *shop {
	t.Helper()
	rdb := patient(t, redistest.Start(t).Addr())
	publish(t, rdb, nil, tea, stockgate.Gate{SKU: "INK"})
	s := &shop{t: t, rdb: rdb, store: store.New(databasetest.Open(t, migrations.Set()), silent{})}
	for i := range replicas {
		g := newGate(t, rdb, gate.Config{}, prometheus.NewRegistry())
		refuses(t, g, ask(1, "INK"))
		p := order.NewPlacer(s.store, anyNumber{}, g, idgen.Static(i), order.Limits{}, groupcommit.Config{
			BatchMax: 64, Timeout: time.Minute, Retry: database.IsTransient,
		})
		run(t, p)
		s.placers = append(s.placers, p)
	}
	price := money.Of(500, "CNY")
	err := s.store.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error {
		return u.LearnPrices(ctx, []order.Price{{SKU: "TEA", Version: 1, Amount: price}, {SKU: "INK", Version: 1, Amount: price}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) place(replica int, user order.UserID, key string, units int64) (order.Placement, error) {
	return s.placers[replica].Place(s.t.Context(), order.PlaceOrder{
		Key: order.Key{User: user, Key: key}, Items: []order.Item{{SKU: "TEA", Quantity: units}}, Method: contracts.MethodWallet,
	})
}

func soldOut(err error) bool {
	return errors.Is(err, apperr.New(apperr.Conflict, contracts.CodeOutOfStock, ""))
}

func toWait(err error) bool {
	return errors.Is(err, apperr.New(apperr.TooMany, contracts.CodeWaitingRoom, "")) && apperr.From(err).RetryAfter > 0
}

// Of many who ask two replicas at once, as many are sold to as there are units.
// All others may ask again, until inventory has sold what those hold.
func TestReplicasSellNoUnitTwice(t *testing.T) {
	t.Parallel()
	const buyers, units = 300, 17
	s := open(t, 2, stockgate.Gate{SKU: "TEA", Available: units})
	var placed, waiting, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range buyers {
		wg.Go(func() {
			switch _, err := s.place(i%2, order.UserID(i), "k", 1); {
			case err == nil:
				placed.Add(1)
			case toWait(err):
				waiting.Add(1)
			case soldOut(err):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if placed.Load() != units || waiting.Load() != buyers-units || refused.Load() != 0 {
		t.Errorf("%d placed, %d wait and %d are refused of %d, want %d and the others to wait", placed.Load(), waiting.Load(), refused.Load(), buyers, units)
	}
	holds, err := openGates(t, s.rdb).Holds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	publish(t, s.rdb, holds, stockgate.Gate{SKU: "TEA"})
	if _, err := s.place(0, buyers, "k", 1); !soldOut(err) {
		t.Errorf("when all is sold: %v", err)
	}
}

// Batches of two replicas meet each other's keys: each of them still has one order
// and one unit, and everybody who asks with it is told of that order.
func TestFewKeysAskedManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	const keys, calls = 10, 400
	s := open(t, 2, stockgate.Gate{SKU: "TEA", Available: keys})
	orders := make([]order.ID, calls)
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			placed, err := s.place(i/keys%2, order.UserID(i%keys), "k", 1)
			if err != nil {
				t.Error(err)
				return
			}
			orders[i] = placed.Order.ID
		})
	}
	wg.Wait()
	different := make(map[order.ID]bool)
	for i, id := range orders {
		if different[id] = true; id != orders[i%keys] {
			t.Errorf("key %d has the orders %d and %d", i%keys, id, orders[i%keys])
		}
	}
	if len(different) != keys {
		t.Errorf("%d orders of %d keys", len(different), keys)
	}
}

// What was placed replays, when all is sold, whatever became of its hold, and on
// another replica.
func TestAReplayNeedsNoUnits(t *testing.T) {
	t.Parallel()
	s := open(t, 2, stockgate.Gate{SKU: "TEA", Available: 1})
	first, err := s.place(0, 1, "k", 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []bool{false, true} {
		if gone {
			holds, err := openGates(t, s.rdb).Holds(t.Context())
			if err != nil || len(holds) != 1 || holds[0].Order != int64(first.Order.ID) {
				t.Fatalf("holds %+v, %v; want that of order %d", holds, err, first.Order.ID)
			}
			publish(t, s.rdb, holds, stockgate.Gate{SKU: "TEA"})
		}
		again, err := s.place(1, 1, "k", 1)
		if err != nil || !again.Replayed || again.Order.ID != first.Order.ID {
			t.Errorf("replays as %+v, %v", again, err)
		}
	}
	if _, err := s.place(1, 1, "another", 1); !soldOut(err) {
		t.Errorf("another got %v", err)
	}
}

// A replay asks for units while its order's are decided about already; it gives
// them back.
func TestAReplayHoldsNothing(t *testing.T) {
	t.Parallel()
	s := open(t, 1, stockgate.Gate{SKU: "TEA", Available: 2})
	if _, err := s.place(0, 1, "k", 1); err != nil {
		t.Fatal(err)
	}
	gates := openGates(t, s.rdb)
	holds, err := gates.Holds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	publish(t, s.rdb, holds, stockgate.Gate{SKU: "TEA", Available: 1, Reserved: 1})
	for range 3 {
		if again, err := s.place(0, 1, "k", 1); err != nil || !again.Replayed {
			t.Errorf("replays as %+v, %v", again, err)
		}
	}
	if _, err := s.place(0, 2, "k", 1); err != nil {
		t.Errorf("the last unit: %v", err)
	}
}

// More than is left is not to be had, and less still is.
func TestWhatIsLeftIsSold(t *testing.T) {
	t.Parallel()
	s := open(t, 1, stockgate.Gate{SKU: "TEA", Available: 5})
	if _, err := s.place(0, 1, "k", 6); !soldOut(err) {
		t.Errorf("6 of 5: %v", err)
	}
	for i, units := range []int64{3, 2} {
		if _, err := s.place(0, 2, fmt.Sprint(i), units); err != nil {
			t.Errorf("%d units: %v", units, err)
		}
	}
	if _, err := s.place(0, 3, "k", 1); !toWait(err) {
		t.Errorf("the sixth: %v", err)
	}
}
