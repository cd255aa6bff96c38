package ratelimit

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
)

//go:embed *.lua
var luaFiles embed.FS

// MaxKey bounds a key, in bytes.
const MaxKey = 512

// hasty is the part of Config.Timeout, a quarter, that a caller must have waited
// at least for the end of its wait to count as a failure of Redis.
const hasty = 4

// tellRefusals is how often the log tells of answers of Redis that decide nothing.
const tellRefusals = time.Minute

// Limiter decides on the events of any number of keys under one limit. Safe
// for concurrent use. It needs no Close: it has goroutines only while callers
// wait for one.
type Limiter struct {
	cfg     Config
	rdb     *redisclient.Client
	scripts redisclient.Scripts
	gate    gate
	breaker breaker
	told    breaker // for the log only
	denied  *memory[denial]
	local   *memory[time.Time]
	metrics *metrics
}

// Option changes how a Limiter is made.
type Option func(*Limiter) error

// WithMetrics registers the limiter's counters, labelled with its name.
func WithMetrics(reg prometheus.Registerer) Option {
	return func(l *Limiter) error { return l.metrics.register(reg) }
}

// New makes a Limiter. It asks nothing of Redis, so it succeeds while Redis is
// down. An error is that of Config.Validate, ErrConfig for a client that is nil,
// or a second registration of its metrics.
func New(rdb *redisclient.Client, cfg Config, opts ...Option) (*Limiter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if rdb == nil {
		return nil, fmt.Errorf("%w: the client is nil", ErrConfig)
	}
	scripts, err := redisclient.LoadScripts(luaFiles)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	l := &Limiter{
		cfg: cfg, rdb: rdb, scripts: scripts,
		gate:    gate{keys: make(map[string]*queue)},
		breaker: breaker{pause: cfg.RetryPause},
		told:    breaker{pause: tellRefusals},
		denied:  newMemory(cfg.MaxLocal, func(d denial) time.Time { return d.until }),
		local:   newMemory(cfg.MaxLocal, func(tat time.Time) time.Time { return tat }),
		metrics: newMetrics(cfg.Name),
	}
	for _, opt := range opts {
		if err := opt(l); err != nil {
			return nil, fmt.Errorf("ratelimit %s: %w", cfg.Name, err)
		}
	}
	return l, nil
}

// Allow is AllowN for one event.
func (l *Limiter) Allow(ctx context.Context, key string) (Result, error) {
	return l.AllowN(ctx, key, 1)
}

// AllowN decides whether n events of key may happen now, all or none, and
// charges them when they may. It blocks for one round trip to Redis at most,
// or two when others of this process ask for the same key, and at the longest
// for Config.Timeout or half the time until ctx's deadline, whichever is less;
// a Redis that fails is no error, the policy decides then, while the caller
// still has the other half. An error is ErrKey, ErrCount or the end of ctx, and
// the result is then a refusal. A call whose reply is lost may have been charged.
func (l *Limiter) AllowN(ctx context.Context, key string, n int64) (Result, error) {
	switch {
	case key == "" || len(key) > MaxKey:
		return Result{}, ErrKey
	case n < 1 || n > l.cfg.Limit.Burst:
		return Result{}, fmt.Errorf("%w: %d of %d", ErrCount, n, l.cfg.Limit.Burst)
	case ctx.Err() != nil:
		return Result{}, context.Cause(ctx)
	}
	if r, known := l.knownDenied(key, n); known {
		return l.metrics.count(r, sourceMemory), nil
	}
	if !l.breaker.allows(time.Now()) {
		return l.metrics.count(l.withoutRedis(key, n), sourcePolicy), nil
	}
	wait := l.patience(ctx)
	r, err := l.askWithin(ctx, wait, key, n)
	if err == nil {
		l.answered(ctx)
		return l.metrics.count(r, sourceRedis), nil
	}
	if cause := redisclient.Ended(ctx); cause != nil {
		l.breaker.undecided()
		return Result{}, fmt.Errorf("ratelimit %s: %w", l.cfg.Name, cause)
	}
	l.failed(ctx, wait, err)
	return l.metrics.count(l.withoutRedis(key, n), sourcePolicy), nil
}

// patience is how long Redis may take to decide for a caller with ctx.
func (l *Limiter) patience(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(l.cfg.Timeout, time.Until(deadline)/2)
	}
	return l.cfg.Timeout
}

// askWithin has Redis decide within wait; when that was too short, the error is
// context.DeadlineExceeded.
func (l *Limiter) askWithin(ctx context.Context, wait time.Duration, key string, n int64) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	r, err := l.ask(ctx, key, n)
	if ended := redisclient.Ended(ctx); err != nil && ended != nil {
		return r, fmt.Errorf("%w: %w", ended, err)
	}
	return r, err
}

// answered notes that Redis is there.
func (l *Limiter) answered(ctx context.Context) {
	if l.breaker.succeeded() {
		l.cfg.Log.InfoContext(ctx, "rate limiter has Redis again", "limiter", l.cfg.Name)
	}
}

// failed notes that Redis did not decide within wait; the first of many says so
// in the log. Two failures tell nothing of what others will get, and must not
// keep them from asking: an error that Redis answered with, which may be of
// this key alone (WRONGTYPE), and the end of a hasty caller's wait. A refused
// connection does, whoever asked.
func (l *Limiter) failed(ctx context.Context, wait time.Duration, err error) {
	l.metrics.failures.Inc()
	if _, refused := errors.AsType[redis.Error](err); refused {
		l.answered(ctx)
		l.tellRefused(ctx, err)
		return
	}
	if wait < l.cfg.Timeout/hasty && errors.Is(err, context.DeadlineExceeded) {
		l.breaker.undecided()
		return
	}
	if l.breaker.failed(time.Now()) {
		l.cfg.Log.WarnContext(ctx, "rate limiter has no Redis", "limiter", l.cfg.Name, "error", err)
	}
}

// tellRefused logs an answer that decides nothing, not every one of them.
func (l *Limiter) tellRefused(ctx context.Context, err error) {
	if now := time.Now(); l.told.allows(now) {
		l.told.failed(now)
		l.cfg.Log.WarnContext(ctx, "rate limiter is refused by Redis", "limiter", l.cfg.Name, "error", err)
	}
}
