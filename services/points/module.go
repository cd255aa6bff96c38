// Package points is the points service: it rewards paid orders and keeps every
// user's points.
package points

import (
	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/services/points/migrations"
)

// Module is the whole service.
func Module(cfg Config) fx.Option {
	return fx.Module("points",
		fxrun.Base("points", cfg.Base, outbox.Migrations(), inbox.Migrations(), idgen.Migrations(), migrations.Set()),
		fxrun.Worker[*idgen.Worker](),
		fxrun.Worker[*outbox.Outbox](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}
