// Package psp is a payment provider to test against: it keeps its own record,
// answers to idempotency keys, sends signed webhooks, and misbehaves as it is
// told by magic tokens and knobs. It takes no money.
package psp

import (
	"log/slog"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/telemetry"
	"souk.example/sandbox/psp/internal/httpapi"
	"souk.example/sandbox/psp/internal/psp"
	"souk.example/sandbox/psp/internal/store"
	"souk.example/sandbox/psp/internal/webhook"
	"souk.example/sandbox/psp/migrations"
)

// Module is the whole provider.
func Module(cfg Config) fx.Option {
	base := fxrun.BaseConfig{HTTP: cfg.HTTP, Database: cfg.Database, Telemetry: cfg.Telemetry}
	return fx.Module("psp",
		fxrun.Base("psp", base, idgen.Migrations(), migrations.Set()),
		fx.Supply(cfg, fxrun.ReadyWhen{}, new(psp.Panel)),
		fx.Provide(newStore, newCourier, newCashier, newRefunder, newClerk, newRouter),
		fxrun.Worker[*idgen.Worker](),
		fxrun.Worker[*webhook.Courier](),
		fxrun.Worker[*psp.Clerk](),
		fxrun.Intake[*psp.Cashier](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}

func newStore(cfg Config, db *database.DB) *store.Store { return store.New(db, cfg.Webhook.Merchant) }

func newCourier(cfg Config, s *store.Store, log *slog.Logger) *webhook.Courier {
	return webhook.NewCourier(s, cfg.Webhook, time.Now, log)
}

func newCashier(cfg Config, s *store.Store, ids *idgen.Worker, c *webhook.Courier, panel *psp.Panel) *psp.Cashier {
	return psp.NewCashier(s, ids, c, panel, cfg.LateAfter, time.Now)
}

func newRefunder(s *store.Store, ids *idgen.Worker, c *webhook.Courier) *psp.Refunder {
	return psp.NewRefunder(s, ids, c, time.Now)
}

func newClerk(s *store.Store, ids *idgen.Worker, c *webhook.Courier, log *slog.Logger) *psp.Clerk {
	return psp.NewClerk(s, ids, c, time.Now, log)
}

func newRouter(cfg Config, t *telemetry.Telemetry, cashier *psp.Cashier, refunder *psp.Refunder, s *store.Store, panel *psp.Panel) *gin.Engine {
	r := httpserver.NewRouter(cfg.HTTP, t)
	httpapi.New(cashier, refunder, s, panel).Register(r, cfg.APIKey)
	return r
}
