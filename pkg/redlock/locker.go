package redlock

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/redisclient"
)

var (
	// ErrNotAcquired says that somebody else holds the lock.
	ErrNotAcquired = errors.New("lock is held by another")
	// ErrLost is the cause of a lock's context that ended because the lock
	// expired, was taken away, or could not be renewed in time.
	ErrLost = errors.New("lock is lost")
	// ErrName refuses an empty lock name.
	ErrName = errors.New("lock name is empty")
)

// Config tunes a Locker; the zero value of each field means its default.
type Config struct {
	// TTL is how long a lock outlives a holder that died; the watchdog renews
	// it every third of it. Default 8 s, at least 100 ms.
	TTL time.Duration
	// RetryDelay is the longest pause between attempts of Acquire; each pause
	// is jittered down to half of it. Default 100 ms.
	RetryDelay time.Duration
	// Prefix goes before every name in Redis; default "souk:lock:".
	Prefix string
}

func (c Config) withDefaults() Config {
	if c.TTL == 0 {
		c.TTL = 8 * time.Second
	}
	if c.RetryDelay == 0 {
		c.RetryDelay = 100 * time.Millisecond
	}
	if c.Prefix == "" {
		c.Prefix = "souk:lock:"
	}
	return c
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	if c.TTL != 0 && c.TTL < 100*time.Millisecond {
		return fmt.Errorf("redlock: TTL %v is under 100ms", c.TTL)
	}
	if c.RetryDelay < 0 {
		return errors.New("redlock: RetryDelay is negative")
	}
	return nil
}

// Locker takes locks. Safe for concurrent use.
type Locker struct {
	sync    *redsync.Redsync
	cfg     Config
	metrics *metrics
}

// Option changes how a Locker is made.
type Option func(*Locker) error

// WithMetrics registers the locker's counters with reg.
func WithMetrics(reg prometheus.Registerer) Option {
	return func(l *Locker) error { return l.metrics.register(reg) }
}

// New makes a Locker over rdb.
func New(rdb *redisclient.Client, cfg Config, opts ...Option) (*Locker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := &Locker{sync: redsync.New(goredis.NewPool(rdb.Write())), cfg: cfg.withDefaults(), metrics: newMetrics()}
	for _, opt := range opts {
		if err := opt(l); err != nil {
			return nil, fmt.Errorf("redlock: %w", err)
		}
	}
	return l, nil
}

// TryAcquire takes the lock if it is free and returns ErrNotAcquired if
// another holds it, be it in this process; locks are not reentrant. Any other
// error is Redis'. The lock's context is a child of ctx.
func (l *Locker) TryAcquire(ctx context.Context, name string) (*Lock, error) {
	if name == "" {
		return nil, ErrName
	}
	m := l.mutex(name)
	if err := m.TryLockContext(ctx); err != nil {
		return nil, l.refusal(ctx, name, err)
	}
	l.metrics.acquired.Inc()
	return l.hold(ctx, name, m), nil
}

// Acquire waits for the lock until ctx ends, and then returns ctx's cause. An
// unreachable Redis is an error at once.
func (l *Locker) Acquire(ctx context.Context, name string) (*Lock, error) {
	for {
		lock, err := l.TryAcquire(ctx, name)
		if !errors.Is(err, ErrNotAcquired) {
			return lock, err
		}
		if waitErr := l.wait(ctx); waitErr != nil {
			return nil, fmt.Errorf("acquire lock %s: %w", name, waitErr)
		}
	}
}

// Do waits for the lock, runs fn with the lock's context and releases it. It
// returns fn's error, or ErrLost when fn succeeded although the lock was lost.
func (l *Locker) Do(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	lock, err := l.Acquire(ctx, name)
	if err != nil {
		return err
	}
	return lock.run(fn)
}

// TryDo is Do for work that somebody else may do instead: it returns
// ErrNotAcquired, without waiting, when another holds the lock.
func (l *Locker) TryDo(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	lock, err := l.TryAcquire(ctx, name)
	if err != nil {
		return err
	}
	return lock.run(fn)
}

func (l *Locker) mutex(name string) *redsync.Mutex {
	return l.sync.NewMutex(l.cfg.Prefix+name, redsync.WithExpiry(l.cfg.TTL), redsync.WithTries(1),
		redsync.WithTimeoutFactor(0.3))
}

func (l *Locker) refusal(ctx context.Context, name string, err error) error {
	if ended := redisclient.Ended(ctx); ended != nil {
		return fmt.Errorf("acquire lock %s: %w", name, ended)
	}
	if isTaken(err) {
		l.metrics.refused.Inc()
		return fmt.Errorf("%w: %s", ErrNotAcquired, name)
	}
	l.metrics.failed.Inc()
	return fmt.Errorf("acquire lock %s: %w", name, err)
}

func (l *Locker) wait(ctx context.Context) error {
	half := l.cfg.RetryDelay / 2
	t := time.NewTimer(half + rand.N(half+1))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// isTaken reports that redsync found somebody else's value, or none, in the key.
func isTaken(err error) bool {
	_, ok := errors.AsType[*redsync.ErrTaken](err)
	return ok
}
