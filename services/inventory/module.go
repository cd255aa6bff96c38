// Package inventory is the inventory service: it keeps the catalogue and alone
// decides about stock.
package inventory

import (
	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/cache"
	"souk.example/pkg/database"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/waitlist"
	"souk.example/services/inventory/internal/catalogue"
	"souk.example/services/inventory/internal/gate"
	"souk.example/services/inventory/internal/gauges"
	"souk.example/services/inventory/migrations"
)

// Migrations is the schema of everything the service keeps in its database.
func Migrations() []database.Migrations {
	return []database.Migrations{outbox.Migrations(), inbox.Migrations(), idgen.Migrations(), idempotency.Migrations(), migrations.Set()}
}

// Module is the whole service.
func Module(cfg Config) fx.Option {
	return fx.Module("inventory",
		fxrun.Base("inventory", cfg.Base, Migrations()...),
		fx.Supply(cfg, fxrun.ReadyWhen{}),
		fx.Provide(
			newStore, newManager, newInbox, newRouter,
			newBroadcast, newFilter, newPageCache, newPages,
			newLocker, newWarmer, newGauges, newGate, newWatcher,
		),
		fxrun.Worker[*idgen.Worker](),
		fxrun.Worker[*outbox.Outbox](),
		fxrun.Worker[*pubsub.Bus](),
		fxrun.Worker[*cache.Filter](),
		fxrun.Worker[*catalogue.Warmer](),
		fxrun.Worker[*gauges.Reporter](),
		fxrun.Worker[*gate.Publisher](),
		fxrun.Worker[*waitlist.Watcher](),
		fxrun.Consumer[*inbox.Inbox](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}
