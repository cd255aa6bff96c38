package inventory

import (
	"context"
	"log/slog"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"souk.example/contracts"
	"souk.example/internal/stockgate"
	"souk.example/pkg/auth"
	"souk.example/pkg/cache"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redlock"
	"souk.example/pkg/telemetry"
	"souk.example/pkg/waitlist"
	"souk.example/services/inventory/internal/catalogue"
	"souk.example/services/inventory/internal/consumer"
	"souk.example/services/inventory/internal/gate"
	"souk.example/services/inventory/internal/gauges"
	"souk.example/services/inventory/internal/httpapi"
	"souk.example/services/inventory/internal/inventory"
	"souk.example/services/inventory/internal/store"
)

func newStore(db *database.DB, box *outbox.Outbox, ids *idgen.Worker) *store.Store {
	return store.New(db, box, ids)
}

func newManager(s *store.Store, pages *catalogue.Pages) *inventory.Manager {
	return inventory.NewManager(s, pages, time.Now)
}

// newWatcher looks now and then: nobody is in a hurry who has waited for minutes.
func newWatcher(s *store.Store, cfg Config, log *slog.Logger) *waitlist.Watcher {
	return s.Watcher(cfg.NudgeAfter, waitlist.Config{Every: 2 * time.Second}, log)
}

func newInbox(db *database.DB, bus inbox.Bus, ids *idgen.Worker, s *store.Store, cfg Config, t *telemetry.Telemetry) *inbox.Inbox {
	in := cfg.Inbox
	in.Group, in.Types, in.Topics = contracts.GroupInventory, consumer.Types(), contracts.ReadBy(contracts.GroupInventory)
	return inbox.New(db, bus, ids, in, consumer.Orders(inventory.NewSettler(time.Now), s), t)
}

func newBroadcast(rdb *redisclient.Client, t *telemetry.Telemetry) (*pubsub.Bus, error) {
	return pubsub.New(rdb, pubsub.Config{Service: "inventory", Log: t.Logger}, pubsub.WithMetrics(t.Registry))
}

// pageCache is the name that all who touch cached pages know the cache by.
const pageCache = "product-page"

// newFilter knows every SKU, so that looking for others costs neither Redis nor
// the database anything.
func newFilter(s *store.Store, cfg Config) (*cache.Filter, error) {
	return cache.NewFilter(s.SKUs, cache.FilterConfig{Rebuild: cfg.FilterRebuild})
}

// NewPageCache keeps pages so that availability is at most PageTTL old, and
// reloads one that is read at half of that beside the readers, together with
// others that are due. Memory keeps one for longer than that: what is read all
// the time is renewed there, and nobody waits for Redis. An older one is served,
// for a minute, only when the database cannot answer.
func newPageCache(lc fx.Lifecycle, rdb *redisclient.Client, bus *pubsub.Bus, known *cache.Filter, s *store.Store, cfg Config, t *telemetry.Telemetry) (*cache.Cache[catalogue.Page], error) {
	settings := cache.Config{
		TTL: cfg.PageTTL, SoftTTL: cfg.PageTTL / 2, L1TTL: cfg.PageTTL * 4 / 5, NullTTL: cfg.PageTTL / 2, StaleFor: time.Minute,
	}
	pages, err := cache.New(pageCache, rdb, settings,
		cache.WithCodec[catalogue.Page](catalogue.Codec{}), cache.WithFilter[catalogue.Page](known),
		cache.WithBus[catalogue.Page](bus), cache.WithMetrics[catalogue.Page](t.Registry),
		cache.WithTracer[catalogue.Page](t.Tracer), cache.WithRenewals(catalogue.LoadFrom(s)))
	if err == nil {
		lc.Append(fx.StopHook(pages.Close))
	}
	return pages, err
}

func newPages(c *cache.Cache[catalogue.Page], s *store.Store, log *slog.Logger) *catalogue.Pages {
	return catalogue.NewPages(c, s, log)
}

// newLocker is for jobs that one replica does: the others ask every few seconds
// only, as they can wait.
func newLocker(lc fx.Lifecycle, rdb *redisclient.Client, t *telemetry.Telemetry) (*redlock.Locker, error) {
	locker, err := redlock.New(rdb, redlock.Config{RetryDelay: 4 * time.Second}, redlock.WithMetrics(t.Registry), redlock.WithTracer(t.Tracer))
	if err == nil {
		lc.Append(fx.StopHook(locker.Close))
	}
	return locker, err
}

func newGauges(locker *redlock.Locker, s *store.Store, cfg Config, t *telemetry.Telemetry) (*gauges.Reporter, error) {
	elector, err := redlock.NewElector(locker, "inventory:gauges", redlock.ElectorConfig{Metrics: t.Registry, Log: t.Logger})
	if err != nil {
		return nil, err
	}
	return gauges.New(s, elector, t.Registry, t.Logger, cfg.Gauges)
}

// newGate tells order how many units are left of what is nearly sold out.
func newGate(rdb *redisclient.Client, locker *redlock.Locker, s *store.Store, cfg Config, t *telemetry.Telemetry) (*gate.Publisher, error) {
	elector, err := redlock.NewElector(locker, "inventory:gate", redlock.ElectorConfig{Metrics: t.Registry, Log: t.Logger})
	if err != nil {
		return nil, err
	}
	gates, err := stockgate.New(rdb)
	if err != nil {
		return nil, err
	}
	settings := cfg.Gate
	settings.Logger = t.Logger
	return gate.New(s, gates, elector, settings, t.Registry)
}

// newWarmer keeps the first page of the list warm.
func newWarmer(locker *redlock.Locker, pages *catalogue.Pages, s *store.Store, cfg Config, t *telemetry.Telemetry) (*catalogue.Warmer, error) {
	elector, err := redlock.NewElector(locker, "inventory:warm", redlock.ElectorConfig{Metrics: t.Registry, Log: t.Logger})
	if err != nil {
		return nil, err
	}
	front := func(ctx context.Context) ([]inventory.SKU, error) { return s.OnSale(ctx, cfg.WarmPages) }
	// Each page is looked at twice between the age at which it is reloaded and its end.
	return catalogue.NewWarmer(pages, front, elector, cfg.PageTTL/5, t.Logger), nil
}

func newRouter(cfg Config, t *telemetry.Telemetry, v *auth.Verifier, m *inventory.Manager, s *store.Store, pages *catalogue.Pages) *gin.Engine {
	r := httpserver.NewRouter(cfg.Base.HTTP, t)
	httpapi.New(m, s, s, pages).Register(r, v)
	return r
}
