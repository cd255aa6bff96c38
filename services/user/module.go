// Package user is the user service: accounts, sessions and the tokens that
// every other service believes.
package user

import (
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/telemetry"
	"souk.example/services/user/internal/httpapi"
	"souk.example/services/user/internal/password"
	"souk.example/services/user/internal/store"
	"souk.example/services/user/internal/user"
	"souk.example/services/user/migrations"
)

// Migrations is the schema of everything the service keeps in its database.
func Migrations() []database.Migrations {
	return []database.Migrations{idgen.Migrations(), migrations.Set()}
}

// Module is the whole service.
func Module(cfg Config) fx.Option {
	base := fxrun.BaseConfig{HTTP: cfg.HTTP, Database: cfg.Database, IDs: cfg.IDs, Auth: cfg.Auth, Telemetry: cfg.Telemetry}
	return fx.Module("user",
		fxrun.Base("user", base, Migrations()...),
		fx.Supply(cfg, fxrun.ReadyWhen{}),
		fx.Provide(newHasher, newMinter, store.NewUsers, store.NewSessions, newRegistrar, newDoorkeeper, newRouter),
		fxrun.Worker[*idgen.Worker](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}

func newHasher(cfg Config) *password.Hasher { return password.New(cfg.Password) }

func newRegistrar(users *store.Users, h *password.Hasher, ids *idgen.Worker) *user.Registrar {
	return user.NewRegistrar(users, h, ids, time.Now)
}

func newDoorkeeper(users *store.Users, sessions *store.Sessions, h *password.Hasher, m minter, ids *idgen.Worker) *user.Doorkeeper {
	return user.NewDoorkeeper(users, sessions, h, m, ids, time.Now)
}

func newRouter(cfg Config, t *telemetry.Telemetry, v *auth.Verifier, r *user.Registrar, d *user.Doorkeeper, users *store.Users, sessions *store.Sessions) *gin.Engine {
	router := httpserver.NewRouter(cfg.HTTP, t)
	httpapi.New(r, d, users, sessions).Register(router, v)
	return router
}
