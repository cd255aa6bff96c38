// Package remote asks a Redis that the service works without: nobody waits for
// long, and after a failure nobody waits at all for a while.
package remote

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
)

// ErrAway says that Redis failed to answer a moment ago, so it was not asked.
var ErrAway = errors.New("redis failed a moment ago")

// Config of a Redis; the zero value of a field asks for its default.
type Config struct {
	Timeout      time.Duration // of one request; default 100 ms
	RetryPause   time.Duration // during which a Redis that failed is not asked; default 1 s
	Log          *slog.Logger  // told when Redis fails and when it is back; nil discards
	Begun, Ended string        // what it is told
}

// Redis is one that may be away, and whether it may be asked. Safe for
// concurrent use.
type Redis struct {
	timeout, pause time.Duration
	start          time.Time
	retryAt        atomic.Int64 // ns since start; in the future in an outage
	outage         redisclient.Outage
}

// New makes a Redis that has not failed yet.
func New(cfg Config) *Redis {
	return &Redis{
		timeout: cmp.Or(cfg.Timeout, 100*time.Millisecond), pause: cmp.Or(cfg.RetryPause, time.Second), start: time.Now(),
		outage: redisclient.Outage{Log: cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)), Begun: cfg.Begun, Ended: cfg.Ended},
	}
}

// Ask has do ask Redis, with a context that ends at the timeout, unless Redis has
// failed to answer a moment ago: then it returns ErrAway at once. So one caller
// waits for it and not all. A Redis that answers, if only that it is full or
// loading, costs nobody a wait.
func (r *Redis) Ask(ctx context.Context, do func(context.Context) error) error {
	if int64(time.Since(r.start)) < r.retryAt.Load() {
		return ErrAway
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	try := r.outage.Begin()
	err := do(ctx)
	if _, answered := errors.AsType[redis.Error](err); err != nil && !answered {
		r.retryAt.Store(int64(time.Since(r.start) + r.pause))
	}
	if !redis.HasErrorPrefix(err, "NOSCRIPT") {
		try.Note(ctx, err)
	}
	return err
}
