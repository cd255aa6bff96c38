// Package payment is the payment service: it keeps wallets and alone decides
// about money.
package payment

import (
	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/database"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/waitlist"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/store"
	"souk.example/services/payment/migrations"
)

// Migrations is the schema of everything the service keeps in its database.
func Migrations() []database.Migrations {
	return []database.Migrations{outbox.Migrations(), inbox.Migrations(), idgen.Migrations(), idempotency.Migrations(), migrations.Set()}
}

// Module is the whole service.
func Module(cfg Config) fx.Option {
	return fx.Module("payment",
		fxrun.Base("payment", cfg.Base, Migrations()...),
		fx.Supply(cfg, fxrun.ReadyWhen{}),
		fx.Provide(
			store.New, payment.NewBell, newJournal, newTeller, newInbox, newRouter,
			newProvider, newAlarms, newRecorder, newCaller, newReconciler, newWatcher,
		),
		fxrun.Worker[*idgen.Worker](),
		fxrun.Worker[*outbox.Outbox](),
		fxrun.Worker[*waitlist.Watcher](),
		fxrun.Intake[*payment.Recorder](),
		fxrun.Consumer[*payment.Caller](),
		fxrun.Consumer[*payment.Reconciler](),
		fxrun.Consumer[*inbox.Inbox](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}
