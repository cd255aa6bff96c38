package cache

import (
	"context"
	"sync"
	"time"
)

const (
	renewGather = 10 * time.Millisecond // what the first of a group waits for others
	renewMax    = 200                   // keys in a group: what one load may ask of the source
)

// renewals gathers what is due, so that a group costs one load and four round
// trips instead of each of its keys. The zero value gathers nothing.
type renewals[T any] struct {
	load BatchLoader[T]

	mu   sync.Mutex
	open []due // empty: the next begins a group
}

// gather has d renewed with others; false when there is no place for it now.
func (c *Cache[T]) gather(d due) bool {
	r := &c.renewals
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.open) == renewMax || len(r.open) == 0 && !c.startRenewal(c.renewGathered) {
		return false
	}
	r.open = append(r.open, d)
	return true
}

func (c *Cache[T]) renewGathered() {
	wait := time.NewTimer(renewGather)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-c.quit: // Close waits for what has begun
	}
	c.renew(context.Background(), c.renewals.take(), c.renewals.load)
}

func (r *renewals[T]) take() []due {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.open
	r.open = nil
	return list
}
