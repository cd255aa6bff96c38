package ratelimit

import (
	"context"
	"time"
)

// Return gives back the n tokens that the decision r on key charged, of an
// event that turned out not to count, such as a login that succeeded where
// failures are limited. Until then they are taken, so that no number of
// concurrent events passes the limit. A refusal charged nothing and gives
// nothing back. It blocks for one round trip to Redis and Config.Timeout at the
// most, also when ctx has ended; tokens that Redis cannot take back then come
// back with time.
func (l *Limiter) Return(ctx context.Context, key string, n int64, r Result) {
	switch {
	case !r.Allowed || n < 1:
	case !r.Degraded:
		l.returnToRedis(context.WithoutCancel(ctx), key, n)
	case l.cfg.OnOutage == Local:
		cost := time.Duration(n) * l.cfg.Local.interval(time.Nanosecond)
		l.local.update(key, func(tat time.Time, found bool) (time.Time, bool) {
			tat = tat.Add(-cost)
			return tat, found && tat.After(time.Now())
		})
	}
}

func (l *Limiter) returnToRedis(ctx context.Context, key string, n int64) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	if _, err := l.call(ctx, key, -n); err != nil {
		l.failed(ctx, l.cfg.Timeout, err)
		return
	}
	l.denied.update(key, func(d denial, _ bool) (denial, bool) { return d, false })
}
