// Package payment is the payment service: it keeps wallets and alone decides
// about money.
package payment

import (
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"souk.example/contracts"
	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/telemetry"
	"souk.example/services/payment/internal/consumer"
	"souk.example/services/payment/internal/httpapi"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/store"
	"souk.example/services/payment/migrations"
)

// Module is the whole service.
func Module(cfg Config) fx.Option {
	return fx.Module("payment",
		fxrun.Base("payment", cfg.Base, outbox.Migrations(), inbox.Migrations(), idgen.Migrations(), idempotency.Migrations(), migrations.Set()),
		fx.Supply(cfg, fxrun.ReadyWhen{}),
		fx.Provide(store.New, newTeller, newInbox, newRouter),
		fxrun.Worker[*idgen.Worker](),
		fxrun.Worker[*outbox.Outbox](),
		fxrun.Consumer[*inbox.Inbox](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}

func newTeller(s *store.Store, ids *idgen.Worker) *payment.Teller {
	return payment.NewTeller(s, ids, time.Now)
}

func newInbox(db *database.DB, bus eventbus.Consumer, ids *idgen.Worker, box *outbox.Outbox, cfg Config, t *telemetry.Telemetry) *inbox.Inbox {
	in := cfg.Inbox
	in.Group, in.Types, in.Topics = consumer.Group, consumer.Types(), []string{contracts.TopicOrder}
	return inbox.New(db, bus, ids, in, consumer.Orders(payment.NewSettler(time.Now), box), t)
}

func newRouter(cfg Config, t *telemetry.Telemetry, v *auth.Verifier, teller *payment.Teller, s *store.Store) *gin.Engine {
	r := httpserver.NewRouter(cfg.Base.HTTP, t)
	httpapi.New(teller, s).Register(r, v)
	return r
}
