package fxrun

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"souk.example/contracts"
	"souk.example/pkg/auth"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/kafka"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/telemetry"
)

// BaseConfig is what every service is told: where it listens, where its
// engines are, whom it trusts.
type BaseConfig struct {
	HTTP      httpserver.Config
	Database  database.Config
	Kafka     kafka.Config
	Redis     redisclient.Config
	Auth      auth.Config
	Outbox    outbox.Config
	IDs       idgen.Config
	Telemetry telemetry.Config
}

// Validate implements config's check: what the outbox packs Kafka must take.
func (c BaseConfig) Validate() error {
	if pack, record := c.Outbox.MaxPackBytes, c.Kafka.MaxRecordBytes; pack > record && record > 0 {
		return fmt.Errorf("SOUK_OUTBOX_MAX_PACK_BYTES is %d, above the %d of SOUK_KAFKA_MAX_RECORD_BYTES: such a pack could never be published", pack, record)
	}
	return nil
}

// startLimit bounds opening an engine; a service that waits longer fails with
// the engine's name, and is started again by whoever runs it.
const startLimit = 30 * time.Second

// Base offers a service everything it may stand on; fx builds only what the
// service asks for. The migrations are applied before anyone gets the database.
func Base(service string, cfg BaseConfig, migrations ...database.Migrations) fx.Option {
	cfg.Telemetry.Service = service
	return fx.Options(
		fx.Supply(cfg, sets(migrations)),
		fx.Provide(
			newTelemetry, logger, newDatabase, newIDs, newKafka, newOutbox, newRedis, newVerifier,
			fx.Annotate(same[*kafka.Bus], fx.As(new(eventbus.Publisher)), fx.As(new(inbox.Bus))),
		),
		fx.Invoke(announce),
	)
}

type sets []database.Migrations

func same[T any](v T) T { return v }

// announce logs the settings once, as they take effect, secrets redacted.
func announce(cfg BaseConfig, log *slog.Logger) {
	log.Info("starting", "config", config.Redacted(cfg.effective()))
}

// effective fills in the limits that were left to their defaults.
func (c BaseConfig) effective() BaseConfig {
	c.HTTP, c.Database, c.Redis = c.HTTP.WithDefaults(), c.Database.WithDefaults(), c.Redis.WithDefaults()
	c.Auth, c.IDs = c.Auth.WithDefaults(), c.IDs.WithDefaults()
	return c
}

func opening() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), startLimit)
}

func newTelemetry(lc fx.Lifecycle, cfg BaseConfig) (*telemetry.Telemetry, error) {
	ctx, cancel := opening()
	defer cancel()
	t, err := telemetry.New(ctx, cfg.Telemetry)
	if err == nil {
		lc.Append(fx.StopHook(t.Shutdown))
	}
	return t, err
}

func logger(t *telemetry.Telemetry) *slog.Logger { return t.Logger }

func newDatabase(lc fx.Lifecycle, cfg BaseConfig, migrations sets, t *telemetry.Telemetry) (*database.DB, error) {
	ctx, cancel := opening()
	defer cancel()
	db, err := awaitDatabase(ctx, cfg.Database, t.Logger)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	lc.Append(fx.StopHook(db.Close))
	return db, errors.Join(db.Register(t.Registry), migrate(db, migrations))
}

// migrateLimit lets one replica wait while another migrates.
const migrateLimit = 3 * time.Minute

func migrate(db *database.DB, migrations sets) error {
	ctx, cancel := context.WithTimeout(context.Background(), migrateLimit)
	defer cancel()
	return db.Migrate(ctx, migrations...)
}

// retryPause lies between attempts to reach an engine that is not there yet.
const retryPause = time.Second

// awaitDatabase opens the database, trying again while it cannot be reached.
// What another attempt would not change, a wrong password say, ends it.
func awaitDatabase(ctx context.Context, cfg database.Config, log *slog.Logger) (*database.DB, error) {
	for {
		db, err := database.Open(ctx, cfg)
		if err == nil || !database.IsTransient(err) {
			return db, err
		}
		log.Warn("waiting for the database", "error", err)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("not reached within %s: %w", startLimit, err)
		case <-time.After(retryPause):
		}
	}
}

func newIDs(db *database.DB, cfg BaseConfig, t *telemetry.Telemetry, log *slog.Logger) (*idgen.Worker, error) {
	ctx, cancel := opening()
	defer cancel()
	cfg.IDs.Log = log
	w := idgen.New(idgen.InSQL(db), cfg.IDs)
	if err := t.Registry.Register(w); err != nil {
		return nil, fmt.Errorf("register metrics of ids: %w", err)
	}
	return w, w.Acquire(ctx)
}

func newKafka(lc fx.Lifecycle, cfg BaseConfig, log *slog.Logger) (*kafka.Bus, error) {
	ctx, cancel := opening()
	defer cancel()
	log.Info("opening kafka", "brokers", cfg.Kafka.Brokers)
	bus, err := kafka.Open(ctx, cfg.Kafka, log) // it waits for a broker
	if err != nil {
		return nil, fmt.Errorf("open kafka: %w", err)
	}
	lc.Append(fx.StopHook(bus.Close))
	return bus, ensureTopics(ctx, bus)
}

func ensureTopics(ctx context.Context, bus *kafka.Bus) error {
	var dead []string
	for _, group := range contracts.Groups() {
		dead = append(dead, inbox.DeadLetterTopic(group))
	}
	return errors.Join(
		bus.EnsureTopics(ctx, contracts.Partitions, contracts.Topics()...),
		bus.EnsureTopics(ctx, 1, dead...),
	)
}

func newOutbox(db *database.DB, ids *idgen.Worker, pub eventbus.Publisher, cfg BaseConfig, t *telemetry.Telemetry) *outbox.Outbox {
	cfg.Outbox.Source = "souk/" + cfg.Telemetry.Service
	cfg.Outbox.Topics = contracts.Topics()
	cfg.Outbox.Partitions, cfg.Outbox.Partition = contracts.Partitions, contracts.Partition
	return outbox.New(db, ids, pub, cfg.Outbox, t)
}

// newRedis never fails because Redis is away: it makes things fast, not right.
func newRedis(lc fx.Lifecycle, cfg BaseConfig, t *telemetry.Telemetry) (*redisclient.Client, error) {
	ctx, cancel := opening()
	defer cancel()
	c, err := redisclient.Open(ctx, cfg.Redis, redisclient.WithMetrics(t.Registry))
	if err == nil {
		lc.Append(fx.StopHook(c.Close))
	}
	return c, err
}

func newVerifier(cfg BaseConfig) (*auth.Verifier, error) { return auth.NewVerifier(cfg.Auth) }

// HTTP serves the provided router on the public address, and metrics and
// profiles on the admin one. The provided ReadyWhen names what must hold first.
func HTTP() fx.Option {
	return fx.Provide(
		fx.Annotate(publicServer, fx.ResultTags(`group:"members"`)),
		fx.Annotate(adminServer, fx.ResultTags(`group:"members"`)),
	)
}

// ReadyWhen makes the service ready only while every probe answers nil.
type ReadyWhen []httpserver.Check

func publicServer(cfg BaseConfig, router *gin.Engine, t *telemetry.Telemetry, ready ReadyWhen) member {
	return member{stage: servers, runner: httpserver.New(cfg.HTTP, router, t, ready...)}
}

func adminServer(cfg BaseConfig, t *telemetry.Telemetry) member {
	return member{stage: servers, runner: httpserver.NewAdmin(cfg.HTTP, t)}
}
