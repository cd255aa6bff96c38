package gate_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"souk.example/internal/stockgate"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/idgen"
	"souk.example/pkg/money"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
	"souk.example/services/inventory/internal/gate"
	"souk.example/services/inventory/internal/inventory"
	"souk.example/services/inventory/internal/store"
	"souk.example/services/inventory/migrations"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

type silent struct{}

func (silent) Append(context.Context, *database.Tx, string, ...eventbus.Event) error { return nil }

// shop is inventory's stock in SQL and a Redis.
type shop struct {
	t     *testing.T
	db    *database.DB
	store *store.Store
	rdb   *redisclient.Client
	gates *stockgate.Gates
}

func newShop(t *testing.T, units map[string]int64) *shop {
	t.Helper()
	s := &shop{t: t, db: databasetest.Open(t, idempotency.Migrations(), migrations.Set()), rdb: redistest.Open(t)}
	s.store = store.New(s.db, silent{}, idgen.Static(1))
	s.gates = openGates(t, s.rdb)
	var products []inventory.NewProduct
	for sku, n := range units {
		p, err := inventory.Adding{SKU: inventory.SKU(sku), Name: sku, Price: money.Of(1, "CNY"), Units: n}.Product(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		products = append(products, p)
	}
	if err := s.store.Add(t.Context(), products); err != nil {
		t.Fatal(err)
	}
	return s
}

func openGates(t *testing.T, rdb *redisclient.Client) *stockgate.Gates {
	t.Helper()
	gates, err := stockgate.New(rdb)
	if err != nil {
		t.Fatal(err)
	}
	return gates
}

// settle has inventory decide about requests.
func (s *shop) settle(requests ...inventory.Request) {
	s.t.Helper()
	err := s.db.InTx(s.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return inventory.NewSettler(time.Now).Settle(ctx, s.store.Unit(tx), requests)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) reserve(order int64, sku string, units int64) {
	s.t.Helper()
	s.settle(inventory.Request{
		Order: inventory.OrderID(order), Action: inventory.Reserve, Deadline: time.Now().Add(time.Hour),
		Lines: []inventory.Line{{SKU: inventory.SKU(sku), Quantity: units}},
	})
}

// publish runs a Publisher over stock, which is the shop's unless the test has
// something in between, until stop.
func (s *shop) publish(stock gate.Stock, cfg gate.Config) (reg *prometheus.Registry, stop func()) {
	s.t.Helper()
	locker, err := redlock.New(s.rdb, redlock.Config{RetryDelay: 5 * time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(locker.Close)
	elector, err := redlock.NewElector(locker, "gate", redlock.ElectorConfig{Pause: time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
	reg = prometheus.NewRegistry()
	cfg.Every, cfg.Look = 5*time.Millisecond, time.Nanosecond
	p, err := gate.New(stock, s.gates, elector, cfg, reg)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	return reg, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
}

func (s *shop) ask(order, units int64, sku string) stockgate.Ask {
	return stockgate.Ask{User: order, Key: "k", Order: order, Lines: []stockgate.Line{{SKU: sku, Units: units}}}
}

// verdict is what an order is answered. Where the test waits for a verdict, the
// gates may be too old for a moment, and let it pass.
func (s *shop) verdict(a stockgate.Ask) stockgate.Verdict {
	s.t.Helper()
	answers, err := s.gates.Admit(s.t.Context(), []stockgate.Ask{a})
	if err != nil {
		s.t.Fatal(err)
	}
	return answers[0].Verdict
}

func (s *shop) eventually(want stockgate.Verdict, a stockgate.Ask) {
	s.t.Helper()
	redistest.Eventually(s.t, "the gate knows", func() bool { return s.verdict(a) == want })
}

func (s *shop) open() []string {
	skus, err := s.gates.Open(s.t.Context())
	if err != nil {
		return nil
	}
	slices.Sort(skus)
	return skus
}

// Only what is nearly sold out has a gate, and loses it when there is plenty.
func TestWhatIsNearlySoldOutHasAGate(t *testing.T) {
	t.Parallel()
	s := newShop(t, map[string]int64{"NONE": 0, "FEW": 10, "PLENTY": 11})
	_, stop := s.publish(s.store, gate.Config{Below: 10})
	defer stop()
	redistest.Eventually(t, "two have a gate", func() bool { return slices.Equal(s.open(), []string{"FEW", "NONE"}) })
	s.reserve(1, "PLENTY", 1)
	redistest.Eventually(t, "all have one", func() bool { return len(s.open()) == 3 })
	_, err := s.store.Adjust(t.Context(), inventory.Adjustment{User: 1, Key: "k", SKU: "NONE", Delta: 20, Reason: "found", At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "one has none any more", func() bool { return slices.Equal(s.open(), []string{"FEW", "PLENTY"}) })
}

// Of more products than may have a gate, those have one that have the fewest
// units, and half of them at most those that sold out last.
func TestGatesAreBounded(t *testing.T) {
	t.Parallel()
	s := newShop(t, map[string]int64{"A": 0, "B": 1, "C": 2, "D": 0, "E": 3, "F": 9, "G": 9})
	_, stop := s.publish(s.store, gate.Config{Below: 10, Max: 2})
	defer stop()
	haveGates := func(want ...string) {
		t.Helper()
		redistest.Eventually(t, strings.Join(want, " and ")+" have a gate", func() bool { return slices.Equal(s.open(), want) })
	}
	haveGates("B", "C")
	sell := func(order int64, sku string, units int64) {
		s.reserve(order, sku, units)
		s.settle(inventory.Request{Order: inventory.OrderID(order), Action: inventory.Commit})
	}
	sell(1, "C", 2)
	haveGates("B", "C")
	sell(2, "B", 1)
	haveGates("B", "E")
	s.settle(inventory.Request{Order: 2, Action: inventory.Restock})
	haveGates("B", "E")
	s.reserve(3, "F", 9) // none is available, but they may come back
	haveGates("B", "F")
}

// Units that were admitted and that SQL has decided about count once; what is
// given back, refused or released is for sale again.
func TestNoUnitStaysUnsold(t *testing.T) {
	t.Parallel()
	s := newShop(t, map[string]int64{"LAMP": 2})
	_, stop := s.publish(s.store, gate.Config{Below: 10})
	defer stop()
	s.eventually(stockgate.Held, s.ask(1, 1, "LAMP"))
	s.eventually(stockgate.Held, s.ask(2, 1, "LAMP"))
	s.eventually(stockgate.Wait, s.ask(3, 1, "LAMP")) // while nobody has decided
	s.reserve(1, "LAMP", 1)
	s.reserve(2, "LAMP", 5) // which is refused
	s.eventually(stockgate.Held, s.ask(4, 1, "LAMP"))
	s.eventually(stockgate.Wait, s.ask(5, 1, "LAMP"))
	s.settle(inventory.Request{Order: 1, Action: inventory.Release}) // cancelled, or lapsed
	s.eventually(stockgate.Held, s.ask(6, 1, "LAMP"))
	s.reserve(4, "LAMP", 1)
	s.reserve(6, "LAMP", 1)
	s.settle(inventory.Request{Order: 4, Action: inventory.Commit}, inventory.Request{Order: 6, Action: inventory.Commit})
	s.eventually(stockgate.SoldOut, s.ask(7, 1, "LAMP"))
	s.settle(inventory.Request{Order: 4, Action: inventory.Restock})
	s.eventually(stockgate.Held, s.ask(8, 1, "LAMP"))
}

// late is a stock that is asked while an order is decided about.
type late struct {
	gate.Stock
	meanwhile func()
}

func (l late) StockOf(ctx context.Context, skus []inventory.SKU) ([]inventory.Stock, error) {
	l.meanwhile()
	defer l.meanwhile()
	return l.Stock.StockOf(ctx, skus)
}

func (l late) Decided(ctx context.Context, orders []inventory.OrderID) (map[inventory.OrderID]bool, error) {
	l.meanwhile()
	defer l.meanwhile()
	return l.Stock.Decided(ctx, orders)
}

// An order that is decided about while the publisher reads is claimed and missing
// in the stock, until the next time; never neither.
func TestAUnitIsNotOfferedTwice(t *testing.T) {
	t.Parallel()
	s := newShop(t, map[string]int64{"LAMP": 100})
	var next, sold atomic.Int64
	buy := func() { // an order is admitted and decided about at once
		if n := next.Add(1); s.verdict(s.ask(n, 1, "LAMP")) == stockgate.Held {
			s.reserve(n, "LAMP", 1)
			sold.Add(1)
		}
	}
	_, stop := s.publish(late{s.store, buy}, gate.Config{Below: 100})
	defer stop()
	redistest.Eventually(t, "all is sold", func() bool { return sold.Load() >= 100 })
	after := next.Load() + 40 // who asks in the ten publications after that
	redistest.Eventually(t, "others have asked", func() bool { return next.Load() >= after })
	stop()
	var refused int
	err := s.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM reservation WHERE status = 'REFUSED'").Scan(&refused)
	if err != nil || refused > 0 || sold.Load() != 100 {
		t.Errorf("%d admitted and %d refused all the same, %v", sold.Load(), refused, err)
	}
}

func TestOneReplicaPublishesAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	s := newShop(t, map[string]int64{"LAMP": 1})
	publishes := func(reg *prometheus.Registry, n string) func() bool {
		want := "# HELP souk_inventory_gates Products whose stock gate this replica publishes.\n# TYPE souk_inventory_gates gauge\nsouk_inventory_gates " + n + "\n"
		return func() bool { return testutil.GatherAndCompare(reg, strings.NewReader(want)) == nil }
	}
	first, stopFirst := s.publish(s.store, gate.Config{Below: 10})
	redistest.Eventually(t, "the first publishes", publishes(first, "1"))
	second, stopSecond := s.publish(s.store, gate.Config{Below: 10})
	if !publishes(second, "0")() {
		t.Error("the second publishes too")
	}
	stopFirst()
	redistest.Eventually(t, "the second takes over", publishes(second, "1"))
	if !publishes(first, "0")() {
		t.Error("the first says that it publishes")
	}
	stopSecond()
}

func TestWithoutGatesNothingIsPublished(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	s := newShop(t, map[string]int64{"LAMP": 1})
	s.rdb = redistest.Dial(t, mini.Addr())
	_, stop := s.publish(s.store, gate.Config{})
	stop()
	if n := mini.TotalConnectionCount(); n != 0 {
		t.Errorf("%d connections to Redis", n)
	}
}
