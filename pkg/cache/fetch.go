package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// ErrBusy says that Config.MaxLoads loads were running and none ended in time.
var ErrBusy = errors.New("cache: no free slot to load")

// answer is what a flight brings home.
type answer[T any] struct {
	value T
	found bool
}

// fetch joins the flight of key or starts it. hasStale says that L1 could
// answer instead, so the flight need not wait for a slot.
func (c *Cache[T]) fetch(ctx context.Context, key string, load Loader[T], hasStale bool) (answer[T], error) {
	if err := checkKey(key); err != nil {
		return answer[T]{}, err
	}
	if load == nil {
		return answer[T]{}, ErrNoLoader
	}
	flight := c.flights.DoChan(key, func() (any, error) {
		// The flight is everybody's: its caller's end must not be theirs.
		return c.fly(context.WithoutCancel(ctx), key, load, hasStale && c.cfg.StaleFor > 0)
	})
	select {
	case <-ctx.Done():
		return answer[T]{}, context.Cause(ctx)
	case r := <-flight:
		got, _ := r.Val.(answer[T])
		return got, r.Err
	}
}

// fly looks key up in L2 and, on a miss, in the source.
func (c *Cache[T]) fly(ctx context.Context, key string, load Loader[T], hasStale bool) (answer[T], error) {
	gen := c.local.generation(key)
	held, l := c.lookup(ctx, key)
	if got, ok := c.decode(held); ok {
		c.counts.l2.Add(1)
		c.keep(key, gen, got)
		return got, nil
	}
	got, err := c.load(ctx, load, hasStale)
	if err != nil {
		c.giveUp(ctx, key, l)
		return answer[T]{}, err
	}
	if c.fill(ctx, key, l, got) {
		c.keep(key, gen, got)
	}
	return got, nil
}

// lookup returns what L2 holds, or a lease when it holds nothing. While
// another process holds the lease it waits for what that one finds, at most
// for the life of a lease. Neither means: load without filling L2.
func (c *Cache[T]) lookup(ctx context.Context, key string) (held string, l lease) {
	if c.remote.away() {
		return "", ""
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.LoadTimeout)
	defer cancel()
	held, err := c.remote.get(ctx, key)
	for wait := 2 * time.Millisecond; err == nil; wait = min(2*wait, 50*time.Millisecond) {
		if held == "" {
			held, l, err = c.remote.acquire(ctx, key, c.cfg.LoadTimeout)
		}
		if err != nil || l != "" || !isLease(held) {
			break
		}
		if !sleep(ctx, wait/2+rand.N(wait/2)) {
			return "", ""
		}
		held, err = c.remote.get(ctx, key)
	}
	if err != nil {
		c.counts.redisErrors.Add(1)
		return "", ""
	}
	return held, l
}

// isLease tells a placeholder from an envelope; what is empty is neither.
func isLease(held string) bool { return held != "" && held[0] == flagLease }

// decode reads an envelope of L2; false for none and for one it cannot read.
func (c *Cache[T]) decode(envelope string) (got answer[T], ok bool) {
	if envelope == "" {
		return got, false
	}
	switch envelope[0] {
	case flagNull:
		return got, true
	case flagValue:
		value, err := c.codec.Decode([]byte(envelope[1:]))
		return answer[T]{value, true}, err == nil
	default:
		return got, false
	}
}

// load asks the source, under its own deadline and within the bound.
func (c *Cache[T]) load(ctx context.Context, load Loader[T], hasStale bool) (got answer[T], err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.LoadTimeout)
	defer cancel()
	if err := c.takeSlot(ctx, hasStale); err != nil {
		return got, err
	}
	defer func() { <-c.slots }()
	defer func() {
		// On the flight's goroutine a panic would end the process, whatever
		// the caller recovers.
		if p := recover(); p != nil {
			err = fmt.Errorf("cache %s: loader panicked: %v", c.name, p)
		}
	}()
	c.counts.loads.Add(1)
	got.value, got.found, err = load(ctx)
	if err != nil {
		c.counts.loadErrors.Add(1)
	}
	return got, err
}

// takeSlot waits for a free slot; with a stale value at hand it does not wait.
func (c *Cache[T]) takeSlot(ctx context.Context, hasStale bool) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	if hasStale {
		return ErrBusy
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ErrBusy
	}
}

// fill stores what was loaded under l in L2. It reports false when the lease
// was voided: the value may be older than an invalidation, so nobody may keep it.
func (c *Cache[T]) fill(ctx context.Context, key string, l lease, got answer[T]) bool {
	if l == "" {
		return true
	}
	var data []byte
	if got.found {
		var err error
		if data, err = c.codec.Encode(got.value); err != nil {
			c.giveUp(ctx, key, l)
			return true
		}
	}
	filled, err := c.remote.fill(ctx, key, l, seal(data, got.found), c.lifetime(c.cfg.TTL, got))
	if err != nil {
		c.counts.redisErrors.Add(1)
		return true // an invalidation we do not know of ends in a resync
	}
	return filled
}

// giveUp frees the lease, if any, so that others need not wait it out.
func (c *Cache[T]) giveUp(ctx context.Context, key string, l lease) {
	if l == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.LoadTimeout)
	defer cancel()
	if err := c.remote.forfeit(ctx, key, l); err != nil {
		c.counts.redisErrors.Add(1)
	}
}

func (c *Cache[T]) keep(key string, gen generation, got answer[T]) {
	c.local.store(key, gen, got.value, got.found, c.lifetime(c.cfg.L1TTL, got))
}

// lifetime is the jittered TTL of an answer.
func (c *Cache[T]) lifetime(ttl time.Duration, got answer[T]) time.Duration {
	if !got.found {
		ttl = c.cfg.NullTTL
	}
	return c.ttl(ttl)
}

func (c *Cache[T]) ttl(d time.Duration) time.Duration {
	return d - time.Duration(rand.Float64()*c.cfg.Jitter*float64(d))
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
