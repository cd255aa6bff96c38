package order

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"souk.example/contracts"
	"souk.example/internal/fxrun"
	"souk.example/internal/stockgate"
	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/overload"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/telemetry"
	"souk.example/pkg/waitlist"
	"souk.example/services/order/internal/catalogue"
	"souk.example/services/order/internal/consumer"
	"souk.example/services/order/internal/gate"
	"souk.example/services/order/internal/herald"
	"souk.example/services/order/internal/holds"
	"souk.example/services/order/internal/httpapi"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/returns"
	"souk.example/services/order/internal/store"
)

// Two consumer groups, two types: fx tells them apart.
type (
	factsInbox  struct{ *inbox.Inbox }
	pricesInbox struct{ *inbox.Inbox }
)

// newHolds counts open orders in Redis, without which nobody is refused.
func newHolds(rdb *redisclient.Client, cfg Config, t *telemetry.Telemetry) (*holds.Ledger, error) {
	settings := holds.Config{Max: cfg.OpenMax, PayWithin: cfg.PayWithin, Penalty: cfg.ExpiryPenalty, Log: t.Logger}
	return holds.New(rdb, settings, t.Registry)
}

func newStore(db *database.DB, box *outbox.Outbox, h *holds.Ledger, told *herald.Herald, t *telemetry.Telemetry) (*store.Store, error) {
	completions := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "souk_order_completion_seconds",
		Help:    "Time from an order's placement to COMPLETED, by the database's clock.",
		Buckets: []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900},
	})
	s := store.New(db, box, store.WithListener(h), store.WithHerald(told), store.WithCompletionTimes(completions))
	return s, errors.Join(s.Register(t.Registry), t.Registry.Register(completions))
}

// newGate asks the gates that inventory publishes; without them nobody is refused.
func newGate(rdb *redisclient.Client, t *telemetry.Telemetry) (*gate.Gate, error) {
	gates, err := stockgate.New(rdb)
	if err != nil {
		return nil, err
	}
	return gate.New(gates, gate.Config{Log: t.Logger}, t.Registry)
}

func newPlacer(s *store.Store, h *holds.Ledger, g *gate.Gate, ids *idgen.Worker, pace *order.Pacer, cfg Config, t *telemetry.Telemetry) (*order.Placer, error) {
	intake, err := cfg.intake("place", t)
	intake.Cadence = intakeCadence
	intake.Pace = func() time.Duration { return pace.Delay(intake.BatchMax) }
	return order.NewPlacer(s, h, g, ids, order.Limits{Deadline: cfg.PayWithin}, intake,
		groupcommit.Traced(t.Tracer, "place orders", order.PlaceOrder.Subject)), err
}

func newCanceller(s *store.Store, cfg Config, t *telemetry.Telemetry) (*order.Canceller, error) {
	intake, err := cfg.intake("cancel", t)
	return order.NewCanceller(s, policy(), intake, groupcommit.Traced(t.Tracer, "cancel orders", order.CancelOrder.Subject)), err
}

func newPacer(cfg Config, t *telemetry.Telemetry) (*order.Pacer, error) {
	p := new(order.Pacer)
	return p, t.Registry.Register(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: "souk_order_intake_delay_seconds", Help: "How long a batch of new orders gathers for those who follow to catch up."},
		func() float64 { return p.Delay(cfg.Intake.BatchMax).Seconds() },
	))
}

func newLearner(pace *order.Pacer) *order.Learner { return order.NewLearner(policy(), pace) }

func newReturns(db *database.DB, s *store.Store, cfg Config, t *telemetry.Telemetry) (*returns.Desk, error) {
	return returns.New(db, s, order.NewReturner(policy()), cfg.Returns, t)
}

func newWatcher(s *store.Store, cfg Config, log *slog.Logger) *waitlist.Watcher {
	return s.Watcher(order.NewExpirer(policy()), cfg.NudgeAfter, waitlist.Config{Batch: cfg.Intake.BatchMax}, log)
}

func newPriceBook(s *store.Store, cfg Config, log *slog.Logger) *order.PriceBook {
	return order.NewPriceBook(s, s.HasSnapshot, catalogue.New(cfg.InventoryURL), log)
}

func newFactsInbox(db *database.DB, bus inbox.Bus, ids *idgen.Worker, s *store.Store, l *order.Learner, d *returns.Desk, cfg Config, t *telemetry.Telemetry) factsInbox {
	in := cfg.Inbox
	in.Group, in.Types, in.Topics = contracts.GroupOrder, consumer.FactTypes(), contracts.ReadBy(contracts.GroupOrder)
	return factsInbox{inbox.New(db, bus, ids, in, consumer.Facts(s, l, d), t)}
}

func newPricesInbox(db *database.DB, bus inbox.Bus, ids *idgen.Worker, s *store.Store, cfg Config, t *telemetry.Telemetry) pricesInbox {
	in := cfg.Inbox
	in.Group, in.Topics = contracts.GroupOrderPrices, contracts.ReadBy(contracts.GroupOrderPrices)
	in.Types = []string{contracts.ProductChanged.Name}
	return pricesInbox{inbox.New(db, bus, ids, in, consumer.Prices(s), t)}
}

func newOverload(cfg Config, t *telemetry.Telemetry) (*overload.Limiter, error) {
	l := overload.New(cfg.Overload)
	return l, t.Registry.Register(l)
}

func newRouter(cfg Config, t *telemetry.Telemetry, v *auth.Verifier, l *overload.Limiter, p *order.Placer, c *order.Canceller, d *returns.Desk, s *store.Store) *gin.Engine {
	r := httpserver.NewRouter(cfg.Base.HTTP, t)
	r.Use(overload.Middleware(l))
	httpapi.New(p, c, d, s).Register(r, v)
	return r
}

// readyWhen holds traffic back until the service knows every price. After that
// it does not ask again: a database that is away for a moment must not take
// every replica out of service at once.
func readyWhen(s *store.Store) fxrun.ReadyWhen {
	var known atomic.Bool
	return fxrun.ReadyWhen{{Name: "prices", Probe: func(ctx context.Context) error {
		if known.Load() {
			return nil
		}
		complete, err := s.HasSnapshot(ctx)
		if err == nil && !complete {
			err = errors.New("no prices yet: is the inventory service up and seeded?")
		}
		known.Store(err == nil)
		return err
	}}}
}
