package cache

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
)

// Cache is a two-level cache of values of one kind. Values are shared with all
// other readers: do not change what they point to. Safe for concurrent use.
type Cache[T any] struct {
	name     string
	cfg      Config
	codec    Codec[T]
	cost     func(key string, value T) uint32 // nil: 1
	lifetime func(key string, value T) Lifetime
	filter   *Filter
	bus      *pubsub.Bus
	sub      *pubsub.Subscription
	tracer   trace.Tracer
	reg      prometheus.Registerer

	local     *local[T]
	remote    *remote
	flights   flights[T]
	slots     chan struct{}
	refreshes chan struct{}
	renewals  renewals[T]
	counts    *counts

	id      string // of this object, in greetings
	quit    chan struct{}
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// New makes a Cache whose keys in Redis begin with Config.Prefix and name.
// Give a new name to a new shape of T. Close it. It needs no connection. The
// errors are ErrName, ErrNoRedis, ErrNoBus, ErrCodec, Config.Validate's and those
// of registering metrics. What an option sets to nil is left out, but the codec.
func New[T any](name string, rdb *redisclient.Client, cfg Config, opts ...Option[T]) (*Cache[T], error) {
	if !validName(name) {
		return nil, ErrName
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Cache[T]{
		name: name, cfg: cfg, codec: JSON[T]{},
		flights: flights[T]{flying: make(map[string]*flight[T])},
		slots:   make(chan struct{}, cfg.MaxLoads), refreshes: make(chan struct{}, cfg.MaxRefreshes),
		counts: newCounts(name), id: rand.Text(), quit: make(chan struct{}),
	}
	for _, opt := range opts {
		opt(c)
	}
	setDefault[trace.Tracer](&c.tracer, noop.Tracer{})
	if err := c.complete(rdb); err != nil {
		return nil, err
	}
	if err := c.open(rdb); err != nil {
		return nil, fmt.Errorf("cache %s: %w", name, err)
	}
	return c, nil
}

// complete reports what is missing for c to work.
func (c *Cache[T]) complete(rdb *redisclient.Client) error {
	switch {
	case rdb == nil:
		return ErrNoRedis
	case c.filter != nil && c.bus == nil:
		return ErrNoBus
	case c.codec == nil:
		return ErrCodec
	}
	if _, standard := c.codec.(JSON[T]); !standard {
		return nil
	}
	var zero T
	_, err := c.encode("zero value", zero) // another error may be about the zero value alone
	if _, never := errors.AsType[*json.UnsupportedTypeError](err); never {
		return fmt.Errorf("%w: %w", ErrCodec, err)
	}
	return nil
}

func (c *Cache[T]) open(rdb *redisclient.Client) (err error) {
	if c.remote, err = newRemote(rdb, c.name, c.cfg); err != nil {
		return err
	}
	if c.local, err = newLocal[T](c.cfg); err != nil {
		return err
	}
	if c.reg != nil {
		if err := c.register(c.reg); err != nil {
			c.local.close()
			return err
		}
	}
	if c.bus != nil {
		c.sub = c.bus.Subscribe(c.topic(), pubsub.Handler{Message: c.hear, Resync: c.doubt})
	}
	if c.filter != nil {
		c.start(c.greet)
	}
	return nil
}

// Close lets nothing new begin in the background and waits for what has begun:
// loads and refreshes, up to Config.LoadTimeout and 200 ms for the lease of
// another process and Config.LoadTimeout for the loader, plus what Redis takes
// to answer; the handling of broadcasts; and a greeting to the bus, up to
// Config.LoadTimeout. A loader that ignores its context is waited for as long as
// it takes, so a loader must not call Close. Redis keeps its entries. What L1
// holds can still be read; other reads get ErrClosed unless Redis has the value.
// Closing twice does nothing more.
func (c *Cache[T]) Close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.quit) // before broadcasts are no longer heard
	}
	c.mu.Unlock()
	if c.sub != nil {
		c.sub.Close()
	}
	c.running.Wait()
	c.local.close()
}

// ended reports whether Close was called.
func (c *Cache[T]) ended() bool {
	select {
	case <-c.quit:
		return true
	default:
		return false
	}
}

// start runs fn on a goroutine that Close waits for; false after Close.
func (c *Cache[T]) start(fn func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.running.Go(fn)
	}
	return !c.closed
}

// Get returns the value of key, from memory, Redis or load, in this order.
// found is false when the source has no such key. An L1 hit allocates nothing
// and does not block; else Get blocks until there is an answer or ctx ends. An
// error is ErrKey or ErrNoLoader, load's, ErrBusy when there was no free slot,
// or another process had the load to itself, until Config.LoadTimeout, an
// *OversizeError, ErrClosed, or ctx's; Redis' failures are not the caller's. An
// end of ctx is noticed at once, with one exception: see the package's comment
// on cancellation.
func (c *Cache[T]) Get(ctx context.Context, key string, load Loader[T]) (value T, found bool, err error) {
	if load == nil {
		return value, false, ErrNoLoader
	}
	if e, now := c.local.get(key); e != nil && now < e.fresh {
		c.counts.l1.Add(1)
		if e.due(now) {
			c.ahead(ctx, key, e, load)
		}
		return e.value, e.found, nil
	}
	got, err := c.miss(ctx, key, load)
	return got.value, got.found, err
}

// miss is Get without memory.
func (c *Cache[T]) miss(ctx context.Context, key string, load Loader[T]) (got answer[T], err error) {
	if err := check(false, key); err != nil {
		return got, err
	}
	if !c.mayExist(key) {
		return got, nil
	}
	err = c.fetch(ctx, []string{key}, load, func(_ string, a answer[T]) { got = a })
	return got, err
}

func (c *Cache[T]) topic() string { return "cache:" + c.name }

func check(noLoader bool, keys ...string) error {
	if noLoader {
		return ErrNoLoader
	}
	for _, key := range keys {
		if !validKey(key) {
			return ErrKey
		}
	}
	return nil
}
