// Package embedded runs the engines souk needs — Redis, Kafka and SQL — inside
// one process, so that a machine with nothing but Go can run the whole
// platform. Redis is miniredis and Kafka is kfake, both served on TCP: the
// services reach them through their ordinary clients and cannot tell. SQL is
// one SQLite file per service.
//
// Everything but Redis is on disk under Config.Dir and survives kill -9 of the
// process (not a power cut: nothing is fsynced on every write). Redis starts
// empty every time; no answer about money or stock may depend on it.
//
// These engines are for a first look and for tests. No performance figure is
// taken from them without saying so.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// Config says where the engines listen and where they keep their data.
type Config struct {
	Dir        string   // created when missing, mode 0700
	RedisPort  int      // on 127.0.0.1; 0 picks a free port
	KafkaPort  int      // on 127.0.0.1; 0 picks a free port
	Topics     []string // created when missing
	Partitions int32    // of each topic created
}

// Validate reports what keeps the engines from starting.
func (c Config) Validate() error {
	if c.Dir == "" {
		return errors.New("embedded: Dir is required")
	}
	if len(c.Topics) > 0 && c.Partitions < 1 {
		return errors.New("embedded: Partitions must be at least 1")
	}
	return nil
}

// Engines are running engines. Its methods may be called concurrently.
type Engines struct {
	dir   string
	redis *redisServer
	kafka *kafkaBroker
}

// Start binds both ports and serves; on return clients may connect. A taken
// port is an error that names it. Close must follow.
func Start(cfg Config, logger *slog.Logger) (*Engines, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	redis, err := startRedis(cfg.RedisPort)
	if err != nil {
		return nil, err
	}
	kafka, err := startKafka(cfg, logger)
	if err != nil {
		redis.Close()
		return nil, err
	}
	return &Engines{dir: cfg.Dir, redis: redis, kafka: kafka}, nil
}

// Run does the engines' upkeep, the passing of Redis' time and Kafka's
// retention, until ctx ends. The engines serve without it, but keys do not
// expire and logs do not shrink.
func (e *Engines) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.redis.passTime(ctx) })
	g.Go(func() error { return e.kafka.retain(ctx) })
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Close stops serving and writes Kafka's state to disk. Call it after Run has
// returned and after the services have closed their clients.
func (e *Engines) Close() {
	e.kafka.Close()
	e.redis.Close()
}

// RedisAddr is the host:port Redis listens on.
func (e *Engines) RedisAddr() string { return e.redis.Addr() }

// KafkaAddr is the host:port the broker listens on.
func (e *Engines) KafkaAddr() string { return e.kafka.Addr() }

// DSN is the database of one service: a SQLite file under dir.
func DSN(dir, service string) string {
	return "sqlite:" + filepath.Join(dir, service+".db")
}

func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(port))
}
