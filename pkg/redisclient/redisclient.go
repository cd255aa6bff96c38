// Package redisclient opens Redis the way the shared layer needs it: bounded
// waits, no silent retries of writes, and a start that survives Redis being
// away.
//
// A Client has one handle per kind of command, each with its own connection
// pool, because go-redis decides on retries per client:
//
//   - [Client.Read] retries once: a read may safely be sent again. [Client.Bound]
//     bounds the time of both tries.
//   - [Client.Write] never retries: a write whose reply was lost may have been
//     applied, and go-redis' default of three retries applies it again. The
//     caller decides on [ErrNoReply], with an operation id when it repeats.
//   - [Client.Hot] is for idempotent commands of many concurrent callers and
//     makes pipelines of them, which it does not retry.
//
// All handles keep a context's deadline, and work against one server and against Redis Cluster, so every
// script or transaction keeps its keys in one slot by a {tag}.
package redisclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"souk.example/pkg/config"
)

// Config says which Redis to use and how long to wait for it. The zero value
// means 127.0.0.1:6379 with the defaults below.
type Config struct {
	Addrs    []string      `env:"SOUK_REDIS_ADDRS" usage:"Redis address, or the seed addresses of a Redis Cluster"`
	Cluster  bool          `env:"SOUK_REDIS_CLUSTER" usage:"treat a single address as the entry of a Redis Cluster"`
	Username string        `env:"SOUK_REDIS_USERNAME" usage:"Redis ACL user"`
	Password config.Secret `env:"SOUK_REDIS_PASSWORD" usage:"Redis password"`
	DB       int           `env:"SOUK_REDIS_DB" usage:"Redis database number, not in a cluster"`
	TLS      config.TLS    `envPrefix:"SOUK_REDIS_"`

	// DialTimeout bounds one connection attempt; default 1 s.
	DialTimeout time.Duration `env:"SOUK_REDIS_DIAL_TIMEOUT" usage:"time limit of one connection attempt"`
	// IOTimeout bounds each read and each write on the socket, and the wait
	// for a free connection; default 700 ms. A context deadline that comes
	// first wins.
	IOTimeout time.Duration `env:"SOUK_REDIS_IO_TIMEOUT" usage:"time limit of one socket read or write"`
	// PoolSize is the number of connections per handle and node; default 10
	// per processor.
	PoolSize int `env:"SOUK_REDIS_POOL_SIZE" usage:"connections per handle and node"`
}

// WithDefaults returns what Open goes by: 0 stands for the default. A PoolSize of
// 0 is left to the Redis client.
func (c Config) WithDefaults() Config {
	if len(c.Addrs) == 0 {
		c.Addrs = []string{"127.0.0.1:6379"}
	}
	if c.DialTimeout == 0 {
		c.DialTimeout = time.Second
	}
	if c.IOTimeout == 0 {
		c.IOTimeout = 700 * time.Millisecond
	}
	return c
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	for _, addr := range c.Addrs {
		if addr == "" {
			return errors.New("redis: an address is empty")
		}
	}
	if c.DialTimeout < 0 || c.IOTimeout < 0 {
		return errors.New("redis: a timeout is negative")
	}
	if c.PoolSize < 0 {
		return errors.New("redis: the pool size is negative")
	}
	if c.DB != 0 && (c.Cluster || len(c.Addrs) > 1) {
		return errors.New("redis: a cluster has only database 0")
	}
	if _, err := c.TLS.Client(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}

// Client is a set of handles to one Redis. Safe for concurrent use.
type Client struct {
	read      redis.UniversalClient
	write     redis.UniversalClient
	hotClient redis.UniversalClient
	hot       func() *Hot
	wait      time.Duration // Config.IOTimeout
}

// Option changes how a Client is opened.
type Option func(*Client) error

// Open makes a Client. It opens no connection, so it succeeds while Redis is
// down; commands then fail until Redis is back. An error is a bad cfg, or a
// second registration of its metrics.
func Open(_ context.Context, cfg Config, opts ...Option) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	secure, err := cfg.TLS.Client()
	if err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	hot := redis.NewUniversalClient(cfg.options(-1, secure))
	c := &Client{
		read:      redis.NewUniversalClient(cfg.options(1, secure)),
		write:     redis.NewUniversalClient(cfg.writeOptions(secure)),
		hotClient: hot,
		hot:       sync.OnceValue(func() *Hot { return newHot(hot, cfg.IOTimeout) }),
		wait:      cfg.IOTimeout,
	}
	for _, opt := range opts {
		if err := opt(c); err != nil {
			return nil, errors.Join(fmt.Errorf("open redis: %w", err), c.Close())
		}
	}
	return c, nil
}

// options is the one base of all handles; retries of -1 means none, secure of nil
// no TLS.
func (c Config) options(retries int, secure *tls.Config) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		TLSConfig:     secure,
		Addrs:         c.Addrs,
		IsClusterMode: c.Cluster,
		Username:      c.Username,
		Password:      c.Password.Reveal(),
		DB:            c.DB,
		MaxRetries:    retries,
		DialTimeout:   c.DialTimeout,
		// The default of five attempts turns "connection refused" into a
		// 400 ms wait, and callers degrade faster than that.
		DialerRetries: 1,
		ReadTimeout:   c.IOTimeout,
		WriteTimeout:  c.IOTimeout,
		PoolTimeout:   c.IOTimeout,
		PoolSize:      c.PoolSize,
		// Without it context deadlines do nothing.
		ContextTimeoutEnabled: true,
		// Self-hosted Redis does not know this command.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// writeOptions never send anything twice.
func (c Config) writeOptions(secure *tls.Config) *redis.UniversalOptions {
	options := c.options(-1, secure)
	options.Dialer = dialWrites(c.DialTimeout, secure)
	return options
}

// Read is the handle for commands that change nothing; it retries once, or up
// to three times in a cluster, redirections included.
func (c *Client) Read() redis.UniversalClient { return c.read }

// Write is the handle for commands that change something; it never retries.
// An error that is ErrNoReply leaves open whether the command was applied.
func (c *Client) Write() redis.UniversalClient { return c.write }

// Hot is the handle for idempotent commands of many concurrent callers. Its
// first use starts the goroutines of its pipelines, which Close ends.
func (c *Client) Hot() *Hot { return c.hot() }

// Ping asks Redis for an answer.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.read.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping redis: %w", err)
	}
	return nil
}

// Close closes the connections of every handle.
func (c *Client) Close() error {
	return errors.Join(c.read.Close(), c.write.Close(), c.hotClient.Close())
}
