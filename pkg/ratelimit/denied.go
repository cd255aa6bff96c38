package ratelimit

import "time"

// denial is what a refusal by Redis tells about the near future: until then n
// events are not allowed, whatever anybody does.
type denial struct {
	n          int64
	remaining  int64
	until      time.Time // n may be allowed from here on
	askAgainAt time.Time
	full       time.Time
}

// remember keeps a refusal. Its times run from when Redis was asked, which is
// before Redis decided, so that a key is never refused for too long.
func (l *Limiter) remember(key string, n int64, asked time.Time, r Result) {
	d := denial{
		n: n, remaining: r.Remaining, until: asked.Add(r.RetryAfter), full: asked.Add(r.ResetAfter),
		askAgainAt: asked.Add(min(r.RetryAfter, l.cfg.DenyAhead)),
	}
	if d.askAgainAt.After(asked) {
		l.denied.update(key, func(denial, bool) (denial, bool) { return d, true })
	}
}

// knownDenied repeats a refusal that still holds for n events of key: tokens
// come back at a known time, and others can only take them away.
func (l *Limiter) knownDenied(key string, n int64) (Result, bool) {
	d, found := l.denied.get(key)
	if !found || n < d.n {
		return Result{}, false
	}
	now := time.Now()
	if !now.Before(d.askAgainAt) {
		l.denied.update(key, func(d denial, found bool) (denial, bool) {
			return d, found && now.Before(d.askAgainAt) // another may have renewed it
		})
		return Result{}, false
	}
	more := time.Duration(n-d.n) * l.cfg.Limit.interval(time.Nanosecond)
	return Result{
		Limit: l.cfg.Limit.Burst, Remaining: d.remaining,
		RetryAfter: d.until.Sub(now) + more, ResetAfter: max(d.full.Sub(now), 0),
	}, true
}
