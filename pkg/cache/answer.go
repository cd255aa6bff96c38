package cache

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// answer is what the source said of a key, and how long that holds.
type answer[T any] struct {
	value T
	found bool
	life  life
}

// settle gives what was just loaded its life; ErrTTL for a value whose own
// Lifetime is over already.
func (c *Cache[T]) settle(key string, value T, found bool, took time.Duration) (answer[T], error) {
	got := answer[T]{value: value, found: found}
	soft, hard := c.cfg.SoftTTL, c.cfg.TTL
	switch {
	case !found:
		soft, hard = c.cfg.NullTTL, c.cfg.NullTTL
	case c.lifetime != nil:
		own := c.lifetime(key, value)
		setDefault(&own.Hard, hard)
		setDefault(&own.Soft, min(soft, own.Hard))
		soft, hard = own.Soft, own.Hard
	}
	if hard < time.Millisecond {
		return got, ErrTTL
	}
	now, keep := time.Now().UnixMilli(), 1-rand.Float64()*c.cfg.Jitter
	got.life = life{
		id:   rand.Uint64(),
		soft: now + scale(min(soft, hard), keep),
		hard: now + max(1, scale(hard, keep)),
		took: took,
	}
	return got, nil
}

func scale(d time.Duration, by float64) int64 { return int64(float64(d.Milliseconds()) * by) }

// seal encodes an answer for L2.
func (c *Cache[T]) seal(key string, got answer[T]) ([]byte, error) {
	if !got.found {
		return seal(got.life, false, nil, -1), nil
	}
	data, err := c.codec.Encode(got.value)
	if err != nil {
		return nil, fmt.Errorf("cache %s: encode %s: %w", c.name, key, err)
	}
	if len(data) > c.cfg.MaxValue {
		return nil, &OversizeError{Key: key, Size: len(data), Max: c.cfg.MaxValue}
	}
	return seal(got.life, true, data, c.cfg.Compress), nil
}

// unseal reads an envelope of L2; false for none and for one it cannot read.
func (c *Cache[T]) unseal(held []byte) (got answer[T], ok bool) {
	life, found, data, err := unseal(held, c.cfg.MaxValue)
	if err != nil || !found {
		return answer[T]{life: life}, err == nil
	}
	value, err := c.decode(data)
	return answer[T]{value: value, found: true, life: life}, err == nil
}

// decode takes a panic of the codec, over bytes that are not its own, for an
// error.
func (c *Cache[T]) decode(data []byte) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cache %s: codec panicked: %v", c.name, p)
		}
	}()
	return c.codec.Decode(data)
}

// keep puts an answer into L1, unless its key was dropped since gen, and
// returns the entry. Whatever L2 says, it is fresh for L1TTL at most.
func (c *Cache[T]) keep(key string, gen generation, got answer[T], at time.Time) *entry[T] {
	now, wall := c.local.age(at), at.UnixMilli()
	left := func(at int64) int64 { return (at - wall) * int64(time.Millisecond) }
	own := int64(float64(c.cfg.L1TTL) * (1 - rand.Float64()*c.cfg.Jitter))
	e := &entry[T]{
		value: got.value, found: got.found, id: got.life.id,
		fresh:  now + min(own, left(got.life.hard)),
		soft:   now + left(got.life.soft),
		spread: max(0, c.cfg.Beta) * float64(got.life.took),
	}
	e.early = e.soft - int64(tail*e.spread)
	c.local.store(key, gen, e)
	return e
}

// stale returns what L1 holds of key, until Config.StaleFor after its own end.
func (c *Cache[T]) stale(key string) (*entry[T], bool) {
	if c.cfg.StaleFor <= 0 {
		return nil, false
	}
	e, now := c.local.get(key)
	return e, e != nil && now < e.fresh+int64(c.cfg.StaleFor)
}
