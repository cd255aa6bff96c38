// Package user is the user service: accounts, sessions and the tokens that
// every other service believes.
package user

import (
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"souk.example/contracts"
	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/telemetry"
	"souk.example/services/user/internal/broadcast"
	"souk.example/services/user/internal/httpapi"
	"souk.example/services/user/internal/password"
	"souk.example/services/user/internal/store"
	"souk.example/services/user/internal/throttle"
	"souk.example/services/user/internal/user"
	"souk.example/services/user/migrations"
)

// Migrations is the schema of everything the service keeps in its database.
func Migrations() []database.Migrations {
	return []database.Migrations{idgen.Migrations(), migrations.Set()}
}

// Module is the whole service.
func Module(cfg Config) fx.Option {
	base := fxrun.BaseConfig{HTTP: cfg.HTTP, Database: cfg.Database, Redis: cfg.Redis, IDs: cfg.IDs, Auth: cfg.Auth, Telemetry: cfg.Telemetry}
	return fx.Module("user",
		fxrun.Base("user", base, Migrations()...),
		fx.Supply(cfg, fxrun.ReadyWhen{}),
		fx.Provide(newHasher, newMinter, store.NewUsers, store.NewSessions, store.NewAddresses, store.NewBlocks, newRegistrar, newDoorkeeper, newAddressBook, newThrottled, newRouter),
		fx.Provide(newBus, newBlockState, newBroadcast),
		fxrun.Worker[*idgen.Worker](),
		fxrun.Worker[*pubsub.Bus](),
		fxrun.Worker[*blockState](),
		fxrun.Worker[*broadcast.Blocks](),
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

func newAddressBook(addresses *store.Addresses, ids *idgen.Worker) *user.AddressBook {
	return user.NewAddressBook(addresses, ids, time.Now)
}

func newBus(rdb *redisclient.Client, t *telemetry.Telemetry) (*pubsub.Bus, error) {
	return pubsub.New(rdb, pubsub.Config{Service: "user", Log: t.Logger}, pubsub.WithMetrics(t.Registry))
}

type blockState = pubsub.State[contracts.BlockList]

func newBlockState(bus *pubsub.Bus) (*blockState, error) {
	return pubsub.NewState(bus, contracts.BlockListState, pubsub.StateConfig[contracts.BlockList]{})
}

func newBroadcast(blocks *store.Blocks, state *blockState, t *telemetry.Telemetry) *broadcast.Blocks {
	return broadcast.NewBlocks(blocks, state, t.Logger)
}

// newThrottled limits failed logins, unless that is switched off.
func newThrottled(cfg Config, d *user.Doorkeeper, rdb *redisclient.Client, t *telemetry.Telemetry) (httpapi.Doorkeeper, error) {
	if cfg.LoginFailures == 0 {
		return d, nil
	}
	limits := cfg.logins()
	limits.Log = t.Logger
	limiter, err := ratelimit.New(rdb, limits, ratelimit.WithMetrics(t.Registry))
	if err != nil {
		return nil, err
	}
	return throttle.NewLogins(d, limiter), nil
}

// shop is what the endpoints stand on.
type shop struct {
	fx.In
	Registrar  *user.Registrar
	Doorkeeper httpapi.Doorkeeper
	Users      *store.Users
	Sessions   *store.Sessions
	Addresses  *user.AddressBook
	Blocks     *store.Blocks
	Broadcast  *broadcast.Blocks
}

func newRouter(cfg Config, t *telemetry.Telemetry, v *auth.Verifier, s shop) *gin.Engine {
	router := httpserver.NewRouter(cfg.HTTP, t)
	httpapi.New(s.Registrar, s.Doorkeeper, s.Users, s.Sessions, s.Addresses, s.Blocks, s.Broadcast.Changed).Register(router, v)
	return router
}
