package pubsub

import (
	"context"
	"embed"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/redisclient"
)

//go:embed *.lua
var scriptFiles embed.FS

// Bus publishes to and reads from one channel. Safe for concurrent use.
type Bus struct {
	rdb     *redisclient.Client
	cfg     Config
	scripts redisclient.Scripts
	metrics *metrics
	outbox  outbox
	refusal refusals
	running atomic.Bool

	mu   sync.Mutex
	subs map[string]map[*Subscription]struct{} // by topic
}

// Option changes how a Bus is made.
type Option func(*Bus) error

// WithMetrics registers the bus' counters with reg.
func WithMetrics(reg prometheus.Registerer) Option {
	return func(b *Bus) error { return b.metrics.register(reg) }
}

// New makes a Bus. It asks nothing of Redis; it publishes at once and delivers
// while Run runs. An error is ErrConfig, also for a client that is nil, or a
// second registration of its metrics.
func New(rdb *redisclient.Client, cfg Config, opts ...Option) (*Bus, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if rdb == nil {
		return nil, fmt.Errorf("%w: the client is nil", ErrConfig)
	}
	scripts, err := redisclient.LoadScripts(scriptFiles)
	if err != nil {
		return nil, fmt.Errorf("pubsub: %w", err)
	}
	b := &Bus{
		rdb: rdb, cfg: cfg.withDefaults(), scripts: scripts,
		metrics: newMetrics(), subs: make(map[string]map[*Subscription]struct{}),
	}
	for _, opt := range opts {
		if err := opt(b); err != nil {
			return nil, fmt.Errorf("pubsub: %w", err)
		}
	}
	return b, nil
}

// Publish broadcasts the messages: they arrive together and in order, or not
// at all. It fills Schema and Service, and Time when zero, and blocks until
// Redis has answered or ctx ends. Concurrent calls share a frame, so many
// callers cost Redis little more than one. No messages, no frame.
//
// ErrMessage and ErrTooLarge come before anything is sent; any other error
// leaves open whether the messages went out.
func (b *Bus) Publish(ctx context.Context, messages ...Message) error {
	if len(messages) == 0 {
		return nil
	}
	body, err := b.encode(messages)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish on %s: %w", b.cfg.Channel, context.Cause(ctx))
	}
	if err := b.outbox.send(ctx, body, b.publish); err != nil {
		return fmt.Errorf("publish on %s: %w", b.cfg.Channel, err)
	}
	b.metrics.published.Add(float64(len(messages)))
	return nil
}

// The keys and the channel share a slot: in a Redis Cluster, the script runs
// at the node that subscribers ask for the channel.
func (b *Bus) positionKey() string { return "{" + b.cfg.Channel + "}:position" }
func (b *Bus) logKey() string      { return "{" + b.cfg.Channel + "}:log" }
