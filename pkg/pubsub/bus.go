package pubsub

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/redisclient"
)

//go:embed publish.lua
var scriptFiles embed.FS

// Config tunes a Bus; the zero value of each field means its default.
type Config struct {
	Channel string // default "souk:broadcast"; processes hear each other on one channel
	Service string // the sender's name in messages
	// Idle is how long the subscriber waits for a frame before it asks
	// whether the connection is alive; half-open ones are replaced within
	// twice that. Default 1 s.
	Idle time.Duration
	// QueueMax bounds the messages waiting in one subscription; default 1024.
	QueueMax int
}

func (c Config) withDefaults() Config {
	if c.Channel == "" {
		c.Channel = "souk:broadcast"
	}
	if c.Idle == 0 {
		c.Idle = time.Second
	}
	if c.QueueMax == 0 {
		c.QueueMax = 1024
	}
	return c
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	if c.Idle < 0 || c.QueueMax < 0 {
		return errors.New("pubsub: Idle and QueueMax must not be negative")
	}
	return nil
}

// Bus publishes to and reads from one channel. Safe for concurrent use.
type Bus struct {
	rdb     *redisclient.Client
	cfg     Config
	scripts redisclient.Scripts
	metrics *metrics

	mu   sync.Mutex
	subs map[*Subscription]struct{}
}

// Option changes how a Bus is made.
type Option func(*Bus) error

// WithMetrics registers the bus' counters with reg.
func WithMetrics(reg prometheus.Registerer) Option {
	return func(b *Bus) error { return b.metrics.register(reg) }
}

// New makes a Bus. It publishes at once and delivers while Run runs.
func New(rdb *redisclient.Client, cfg Config, opts ...Option) (*Bus, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	scripts, err := redisclient.LoadScripts(scriptFiles)
	if err != nil {
		return nil, fmt.Errorf("pubsub: %w", err)
	}
	b := &Bus{
		rdb: rdb, cfg: cfg.withDefaults(), scripts: scripts,
		metrics: newMetrics(), subs: make(map[*Subscription]struct{}),
	}
	for _, opt := range opts {
		if err := opt(b); err != nil {
			return nil, fmt.Errorf("pubsub: %w", err)
		}
	}
	return b, nil
}

// Publish broadcasts the messages as one frame: they arrive together and in
// order, or not at all. It fills Schema and Service, and Time when zero. An
// error leaves open whether the frame went out. No messages, no frame.
func (b *Bus) Publish(ctx context.Context, messages ...Message) error {
	if len(messages) == 0 {
		return nil
	}
	body, err := json.Marshal(b.stamped(messages))
	if err != nil {
		return fmt.Errorf("encode broadcast: %w", err)
	}
	err = b.scripts.Run(ctx, b.rdb.Write(), "publish", []string{b.stateKey()}, rand.Text(), body, b.cfg.Channel).Err()
	if err != nil {
		return fmt.Errorf("publish on %s: %w", b.cfg.Channel, err)
	}
	b.metrics.published.Add(float64(len(messages)))
	return nil
}

func (b *Bus) stamped(messages []Message) []Message {
	now := time.Now().UTC()
	out := make([]Message, len(messages))
	for i, m := range messages {
		m.Schema, m.Service = Schema, b.cfg.Service
		if m.Time.IsZero() {
			m.Time = now
		}
		out[i] = m
	}
	return out
}

func (b *Bus) stateKey() string { return "{" + b.cfg.Channel + "}:state" }
