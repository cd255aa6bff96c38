package redlock

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"souk.example/pkg/redisclient"
)

//go:embed *.lua
var luaFiles embed.FS

// Locker takes locks. Safe for concurrent use.
type Locker struct {
	nodes   []*redisclient.Client
	cfg     Config
	scripts redisclient.Scripts
	tuning  []redsync.Option
	waiting *waitRoom
	metrics *metrics
	tracer  trace.Tracer
}

// Option changes how a Locker is made.
type Option func(*Locker) error

// WithMetrics registers the locker's counters with reg.
func WithMetrics(reg prometheus.Registerer) Option {
	return func(l *Locker) error { return l.metrics.register(reg) }
}

// WithTracer has a span tell of each wait for a lock.
func WithTracer(t trace.Tracer) Option {
	return func(l *Locker) error {
		l.tracer = t
		return nil
	}
}

// WithNodes adds Redis servers that share nothing with the first one nor with
// each other. A lock is then held by more than half of all nodes and outlives
// the loss of the others. All nodes are asked at once and all of them waited
// for, a quarter of the TTL at most, in the two rounds of an acquisition, in a
// renewal and in a release: one that does not answer costs that, or its client's
// timeout if it is shorter.
func WithNodes(others ...*redisclient.Client) Option {
	return func(l *Locker) error {
		l.nodes = append(l.nodes, others...)
		return nil
	}
}

// New makes a Locker over rdb, which may be a Redis Cluster. It asks nothing of
// Redis, so it succeeds while Redis is down. An error is ErrConfig, also for a
// node that is nil, or a second registration of its metrics.
func New(rdb *redisclient.Client, cfg Config, opts ...Option) (*Locker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	scripts, err := redisclient.LoadScripts(luaFiles)
	if err != nil {
		return nil, err
	}
	l := &Locker{
		nodes: []*redisclient.Client{rdb}, cfg: cfg.withDefaults(), scripts: scripts,
		metrics: newMetrics(), tracer: noop.NewTracerProvider().Tracer(""),
	}
	for _, opt := range opts {
		if err := opt(l); err != nil {
			return nil, fmt.Errorf("redlock: %w", err)
		}
	}
	if slices.Contains(l.nodes, nil) {
		return nil, fmt.Errorf("%w: a node is nil", ErrConfig)
	}
	l.waiting, l.tuning = newWaitRoom(l.nodes), l.cfg.tuning(len(l.nodes))
	return l, nil
}

// Close ends the subscriptions of those who wait, who from then on ask every
// RetryDelay. Locks that are held stay so.
func (l *Locker) Close() { l.waiting.close() }

// TryAcquire takes the lock if it is free and returns ErrNotAcquired if
// another holds it, be it in this process. Any other error is ErrName,
// ErrReentrant, the end of ctx or Redis'. The lock's context is a child of ctx.
//
// A deadline of ctx ends what Redis is asked. A cancellation is noticed when the
// nodes have answered or their clients' timeouts have passed, as reading a
// socket does not see it; when the lock was taken all the same, it is returned
// and wants its release, though its context has ended. An attempt that failed
// lasts up to 250 ms longer, in which it frees what nodes may have taken without
// saying so.
func (l *Locker) TryAcquire(ctx context.Context, name string) (*Lock, error) {
	if !validName(name) {
		return nil, fmt.Errorf("%w: %.20q", ErrName, name)
	}
	if l.heldBy(ctx, name) {
		return nil, fmt.Errorf("%w: %s", ErrReentrant, name)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("acquire lock %s: %w", name, context.Cause(ctx))
	}
	c := l.newClaim(name)
	if err := c.take(ctx); err != nil {
		return nil, l.refusal(ctx, name, err)
	}
	l.metrics.acquired.Inc()
	return l.hold(ctx, name, c), nil
}

// Acquire waits for the lock until ctx ends, and then returns ctx's cause; what
// TryAcquire says of ctx's end goes for each time that it asks Redis. An
// unreachable Redis is an error at once. Those who wait are woken when the
// lock is released, of one process one at a time, and of all processes the
// fastest gets it.
func (l *Locker) Acquire(ctx context.Context, name string) (*Lock, error) {
	lock, err := l.TryAcquire(ctx, name)
	if !errors.Is(err, ErrNotAcquired) {
		return lock, err
	}
	return l.wait(ctx, name)
}

// wait is Acquire of a lock that was found held.
func (l *Locker) wait(ctx context.Context, name string) (*Lock, error) {
	begun := time.Now()
	_, span := l.tracer.Start(ctx, "wait for lock", trace.WithAttributes(attribute.String("lock.name", name)))
	defer span.End()
	lock, err := l.await(ctx, name)
	if err != nil {
		span.RecordError(err)
		return nil, err
	}
	l.metrics.waited.Observe(time.Since(begun).Seconds())
	return lock, nil
}

// await stands in the queue of the lock's other callers in this process. Only
// the first of them asks Redis.
func (l *Locker) await(ctx context.Context, name string) (*Lock, error) {
	q := l.waiting.enter(l.cfg.key(name))
	defer l.waiting.leave(q)
	if err := q.takeTurn(ctx); err != nil {
		return nil, fmt.Errorf("acquire lock %s: %w", name, err)
	}
	defer q.giveTurn()
	for {
		if err := q.wait(ctx, l.pause()); err != nil {
			return nil, fmt.Errorf("acquire lock %s: %w", name, err)
		}
		lock, err := l.TryAcquire(ctx, name)
		switch {
		case err == nil:
			return lock, nil
		case !errors.Is(err, ErrNotAcquired):
			q.wake() // the next in the queue has not heard it
			return nil, err
		}
	}
}

// Do waits for the lock, runs fn with the lock's context and releases it. It
// returns fn's error, or ErrLost when fn succeeded although the lock was lost.
// An fn that is nil is ErrConfig.
func (l *Locker) Do(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	if fn == nil {
		return fmt.Errorf("%w: nothing to do under lock %.20q", ErrConfig, name)
	}
	lock, err := l.Acquire(ctx, name)
	if err != nil {
		return err
	}
	return lock.run(fn)
}

// TryDo is Do for work that somebody else may do instead: it returns
// ErrNotAcquired, without waiting, when another holds the lock.
func (l *Locker) TryDo(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	if fn == nil {
		return fmt.Errorf("%w: nothing to do under lock %.20q", ErrConfig, name)
	}
	lock, err := l.TryAcquire(ctx, name)
	if err != nil {
		return err
	}
	return lock.run(fn)
}

func (l *Locker) refusal(ctx context.Context, name string, err error) error {
	if ended := redisclient.Ended(ctx); ended != nil {
		return fmt.Errorf("acquire lock %s: %w", name, ended)
	}
	if errors.Is(err, ErrNotAcquired) {
		l.metrics.refused.Inc()
	} else {
		l.metrics.failed.Inc()
	}
	return fmt.Errorf("acquire lock %s: %w", name, err)
}

func (l *Locker) pause() time.Duration {
	half := l.cfg.RetryDelay / 2
	return half + rand.N(half+1)
}
