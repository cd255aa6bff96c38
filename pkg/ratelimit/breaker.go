package ratelimit

import (
	"sync"
	"time"
)

// breaker keeps callers from queueing at a Redis that does not answer: after a failure
// nobody asks for a pause, then one does. The zero value with a pause is ready.
type breaker struct {
	pause time.Duration

	mu      sync.Mutex
	open    bool
	retryAt time.Time
}

// allows reports whether Redis may be asked at now. In an outage it is true
// for one caller per pause.
func (b *breaker) allows(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return true
	}
	if now.Before(b.retryAt) {
		return false
	}
	b.retryAt = now.Add(b.pause)
	return true
}

// succeeded reports whether this ended an outage.
func (b *breaker) succeeded() (ended bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ended, b.open = b.open, false
	return ended
}

// undecided lets another caller try, as this one's context ended first.
func (b *breaker) undecided() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.retryAt = time.Time{}
}

// failed reports whether this is the outage's first failure.
func (b *breaker) failed(now time.Time) (first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first = !b.open
	b.open, b.retryAt = true, now.Add(b.pause)
	return first
}

// wait is how long nobody will ask.
func (b *breaker) wait(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.retryAt.Sub(now), 0)
}
