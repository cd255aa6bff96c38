package ratelimit

import (
	"cmp"
	"time"
)

// withoutRedis decides by the policy.
func (l *Limiter) withoutRedis(key string, n int64) Result {
	r := Result{Limit: l.cfg.Limit.Burst, Degraded: true}
	switch l.cfg.OnOutage {
	case Open:
		r.Allowed, r.Remaining = true, r.Limit-n
	case Closed:
		r.RetryAfter = cmp.Or(l.breaker.wait(time.Now()), l.cfg.RetryPause)
		r.ResetAfter = r.RetryAfter
	default:
		r = l.byItself(key, n)
	}
	return r
}

// byItself decides by GCRA on this process's clock; see gcra.lua.
func (l *Limiter) byItself(key string, n int64) Result {
	limit, now := l.cfg.Local, time.Now()
	interval := limit.interval(time.Nanosecond)
	full, cost := interval*time.Duration(limit.Burst), interval*time.Duration(n)
	r := Result{Limit: limit.Burst, Degraded: true}
	l.local.update(key, func(tat time.Time, _ bool) (time.Time, bool) {
		if tat.Before(now) {
			tat = now
		}
		r.RetryAfter = max(tat.Add(cost).Sub(now)-full, 0)
		if r.Allowed = r.RetryAfter == 0; r.Allowed {
			tat = tat.Add(cost)
		}
		r.ResetAfter = tat.Sub(now)
		r.Remaining = int64((full - r.ResetAfter) / interval)
		return tat, tat.After(now)
	})
	return r
}
