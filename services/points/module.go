// Package points is the points service: it rewards paid orders, sets points
// aside for open ones and keeps every user's points.
package points

import (
	"log/slog"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"souk.example/contracts"
	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/telemetry"
	"souk.example/pkg/waitlist"
	"souk.example/services/points/internal/consumer"
	"souk.example/services/points/internal/httpapi"
	"souk.example/services/points/internal/points"
	"souk.example/services/points/internal/store"
	"souk.example/services/points/migrations"
)

// Migrations is the schema of everything the service keeps in its database.
func Migrations() []database.Migrations {
	return []database.Migrations{outbox.Migrations(), inbox.Migrations(), idgen.Migrations(), migrations.Set()}
}

// Module is the whole service.
func Module(cfg Config) fx.Option {
	return fx.Module("points",
		fxrun.Base("points", cfg.Base, Migrations()...),
		fx.Supply(cfg, fxrun.ReadyWhen{}),
		fx.Provide(store.New, newInbox, newWatcher, newRouter),
		fxrun.Worker[*idgen.Worker](),
		fxrun.Worker[*outbox.Outbox](),
		fxrun.Worker[*waitlist.Watcher](),
		fxrun.Consumer[*inbox.Inbox](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}

func newInbox(db *database.DB, bus inbox.Bus, ids *idgen.Worker, box *outbox.Outbox, cfg Config, t *telemetry.Telemetry) *inbox.Inbox {
	in := cfg.Inbox
	in.Group, in.Types, in.Topics = contracts.GroupPoints, consumer.Types(), contracts.ReadBy(contracts.GroupPoints)
	settler := points.NewSettler(points.EarnRules(), time.Now)
	return inbox.New(db, bus, ids, in, consumer.Orders(settler, box), t)
}

// newWatcher looks now and then: nobody is in a hurry who has waited for minutes.
func newWatcher(db *database.DB, box *outbox.Outbox, cfg Config, log *slog.Logger) *waitlist.Watcher {
	return store.NewWatcher(db, box, cfg.NudgeAfter, waitlist.Config{Every: 2 * time.Second}, log)
}

func newRouter(cfg Config, t *telemetry.Telemetry, v *auth.Verifier, s *store.Store) *gin.Engine {
	r := httpserver.NewRouter(cfg.Base.HTTP, t)
	httpapi.New(s).Register(r, v)
	return r
}
