package order

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/telemetry"
	"souk.example/pkg/waitlist"
	"souk.example/services/order/internal/catalogue"
	"souk.example/services/order/internal/consumer"
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

func newStore(db *database.DB, box *outbox.Outbox, h *holds.Ledger) *store.Store {
	return store.New(db, box, store.WithListener(h))
}

func newPlacer(s *store.Store, h *holds.Ledger, ids *idgen.Worker, cfg Config) *order.Placer {
	return order.NewPlacer(s, h, ids, order.Limits{Deadline: cfg.PayWithin}, cfg.intake())
}

func newCanceller(s *store.Store, cfg Config) *order.Canceller {
	return order.NewCanceller(s, policy(), cfg.intake())
}

func newLearner() *order.Learner { return order.NewLearner(policy()) }

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

func newRouter(cfg Config, t *telemetry.Telemetry, v *auth.Verifier, p *order.Placer, c *order.Canceller, d *returns.Desk, s *store.Store) *gin.Engine {
	r := httpserver.NewRouter(cfg.Base.HTTP, t)
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
