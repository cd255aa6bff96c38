package cache

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
)

// Loader asks the source for one key. found is false when the source has no
// such key, which is an answer and not an error. Its context is the caller's
// without the caller's cancellation, and ends after Config.LoadTimeout.
type Loader[T any] func(ctx context.Context) (value T, found bool, err error)

// Cache is a two-level cache of values of one kind. Values are shared between
// callers: do not change what you get. Safe for concurrent use.
type Cache[T any] struct {
	name    string
	cfg     Config
	codec   Codec[T]
	cost    func(key string, value T) uint32
	local   *local[T]
	remote  *remote
	bus     *pubsub.Bus
	sub     *pubsub.Subscription
	flights singleflight.Group
	slots   chan struct{}
	counts  counts
	reg     prometheus.Registerer
}

// Option changes how a Cache is made.
type Option[T any] func(*Cache[T])

// WithCodec replaces JSON as the encoding in L2.
func WithCodec[T any](codec Codec[T]) Option[T] { return func(c *Cache[T]) { c.codec = codec } }

// WithCost measures entries of L1 against Config.MaxCost; without it each
// entry costs 1. An absence is measured with the zero value.
func WithCost[T any](cost func(key string, value T) uint32) Option[T] {
	return func(c *Cache[T]) { c.cost = cost }
}

// WithBus tells other processes of invalidations and hears theirs. Without it
// their L1 entries live out their TTL.
func WithBus[T any](bus *pubsub.Bus) Option[T] { return func(c *Cache[T]) { c.bus = bus } }

// WithMetrics registers the cache's counters, labelled with its name.
func WithMetrics[T any](reg prometheus.Registerer) Option[T] {
	return func(c *Cache[T]) { c.reg = reg }
}

// New makes a Cache whose keys in Redis begin with Config.Prefix and name.
// Give a new name to a new shape of T. Close it.
func New[T any](name string, rdb *redisclient.Client, cfg Config, opts ...Option[T]) (*Cache[T], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Cache[T]{
		name: name, cfg: cfg, codec: JSON[T]{}, slots: make(chan struct{}, cfg.MaxLoads),
		cost: func(string, T) uint32 { return 1 },
	}
	for _, opt := range opts {
		opt(c)
	}
	if err := c.open(rdb); err != nil {
		return nil, fmt.Errorf("cache %s: %w", name, err)
	}
	return c, nil
}

func (c *Cache[T]) open(rdb *redisclient.Client) (err error) {
	if c.reg != nil {
		if err := c.counts.register(c.reg, c.name); err != nil {
			return err
		}
	}
	if c.remote, err = newRemote(rdb, c.name, c.cfg); err != nil {
		return err
	}
	if c.local, err = newLocal(c.cfg, c.cost); err != nil {
		return err
	}
	if c.bus != nil {
		c.sub = c.bus.Subscribe(c.topic(), pubsub.Handler{
			Message: func(m pubsub.Message) { c.forget(m.Key) },
			Resync:  c.local.dropAll,
		})
	}
	return nil
}

// Close stops the cache's goroutines. Redis keeps its entries.
func (c *Cache[T]) Close() {
	if c.sub != nil {
		c.sub.Close()
	}
	c.local.close()
}

// Get returns the value of key, from memory, Redis or load, in this order.
// found is false when the source has no such key. An L1 hit allocates nothing
// and does not block; else Get blocks until there is an answer or ctx ends. An
// error is load's, a lack of free slots until Config.LoadTimeout, or ctx's;
// Redis' failures are not the caller's.
func (c *Cache[T]) Get(ctx context.Context, key string, load Loader[T]) (value T, found bool, err error) {
	e, fresh := c.local.get(key)
	if fresh {
		c.counts.l1.Add(1)
		return e.value, e.found, nil
	}
	got, err := c.fetch(ctx, key, load, e != nil)
	if err != nil && e != nil && c.cfg.StaleFor > 0 {
		c.counts.stale.Add(1)
		return e.value, e.found, nil
	}
	return got.value, got.found, err
}

// Set writes a value through, after the source has it. It voids loads under
// way and tells other processes to drop theirs. Of two concurrent Sets the
// later call wins, which need not be the later change: prefer Invalidate
// where writers race. On an error L2 may hold the older value until its TTL.
func (c *Cache[T]) Set(ctx context.Context, key string, value T) error {
	if err := checkKey(key); err != nil {
		return err
	}
	data, err := c.codec.Encode(value)
	if err != nil {
		return fmt.Errorf("cache %s: encode: %w", c.name, err)
	}
	err = c.remote.set(ctx, key, seal(data, true), c.ttl(c.cfg.TTL))
	c.forget(key)
	return c.done(err, c.broadcast(ctx, []string{key}))
}

// Invalidate drops keys everywhere. Call it after the source has changed, and
// only by whoever changed it. On an error the keys are gone from this process,
// and others may serve them until their TTL. No keys, nothing happens.
func (c *Cache[T]) Invalidate(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := checkKey(key); err != nil {
			return err
		}
	}
	if len(keys) == 0 {
		return nil
	}
	err := c.remote.remove(ctx, keys)
	for _, key := range keys {
		c.forget(key)
	}
	return c.done(err, c.broadcast(ctx, keys))
}

// forget drops key from this process, together with the load of it that is
// under way: whoever comes now must not join that.
func (c *Cache[T]) forget(key string) {
	c.local.drop(key)
	c.flights.Forget(key)
}

func (c *Cache[T]) broadcast(ctx context.Context, keys []string) error {
	if c.bus == nil {
		return nil
	}
	messages := make([]pubsub.Message, len(keys))
	for i, key := range keys {
		messages[i] = pubsub.Message{Topic: c.topic(), Key: key, Status: "invalidated"}
	}
	return c.bus.Publish(ctx, messages...)
}

func (c *Cache[T]) done(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cache %s: %w", c.name, err)
	}
	return nil
}

func (c *Cache[T]) topic() string { return "cache:" + c.name }

func checkKey(key string) error {
	if key == "" || len(key) > maxKey {
		return ErrKey
	}
	return nil
}
