// Package payment is the payment service: it keeps wallets and alone decides
// about money.
package payment

import (
	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/services/payment/migrations"
)

// Module is the whole service.
func Module(cfg Config) fx.Option {
	return fx.Module("payment",
		fxrun.Base("payment", cfg.Base, outbox.Migrations(), inbox.Migrations(), idgen.Migrations(), idempotency.Migrations(), migrations.Set()),
		fxrun.Worker[*idgen.Worker](),
		fxrun.Worker[*outbox.Outbox](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}
