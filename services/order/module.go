// Package order is the order service: it takes orders in, learns facts about
// them, and alone decides where each stands.
package order

import (
	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/database"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/saga"
	"souk.example/pkg/waitlist"
	"souk.example/services/order/internal/gate"
	"souk.example/services/order/internal/herald"
	"souk.example/services/order/internal/holds"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/returns"
	"souk.example/services/order/migrations"
)

// policy says what an order waits for. Taking points out, or a fraud check in,
// is one entry here.
func policy() order.Policy {
	return order.Policy{
		BeforePayment: []order.Condition{
			{Fact: order.StockReserved},
			{Fact: order.PointsFrozen, When: order.UsesPoints},
		},
		BeforeCompletion: []order.Condition{
			{Fact: order.PointsAwarded},
		},
	}
}

// Migrations is the schema of everything the service keeps in its database.
func Migrations() []database.Migrations {
	return []database.Migrations{outbox.Migrations(), inbox.Migrations(), idgen.Migrations(), idempotency.Migrations(), saga.Migrations(), migrations.Set()}
}

// Module is the whole service.
func Module(cfg Config) fx.Option {
	return fx.Module("order",
		fxrun.Base("order", cfg.Base, Migrations()...),
		fx.Supply(cfg),
		fx.Provide(
			newHolds, newGate, herald.New, newStore, newPlacer, newCanceller, newPacer, newLearner, newReturns, newWatcher, newPriceBook,
			newFactsInbox, newPricesInbox,
			newOverload, newRouter, readyWhen,
		),
		fxrun.Worker[*idgen.Worker](),
		fxrun.Worker[*outbox.Outbox](),
		fxrun.Worker[*holds.Ledger](),
		fxrun.Worker[*gate.Gate](),
		fxrun.Worker[*herald.Herald](),
		fxrun.Intake[*order.Placer](),
		fxrun.Intake[*order.Canceller](),
		fxrun.Worker[*order.PriceBook](),
		fxrun.Worker[*waitlist.Watcher](),
		fxrun.Worker[*returns.Desk](),
		fxrun.Consumer[factsInbox](),
		fxrun.Consumer[pricesInbox](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}
