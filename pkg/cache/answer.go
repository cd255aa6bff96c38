package cache

import (
	"math/rand/v2"
	"time"
)

// answer is what the source said of a key, and how long that holds.
type answer[T any] struct {
	value T
	found bool
	life  life
}

// pack makes what was just loaded an answer, and its envelope for L2. The
// answer of an ErrTTL is good, but over already.
func (c *Cache[T]) pack(key string, value T, found bool, took time.Duration) (got answer[T], envelope []byte, err error) {
	if got, err = c.settle(key, value, found, took); err == nil {
		envelope, err = c.seal(key, got)
	}
	return got, envelope, err
}

// settle gives what was just loaded its life; ErrTTL for a value whose own
// Lifetime is over already.
func (c *Cache[T]) settle(key string, value T, found bool, took time.Duration) (answer[T], error) {
	got := answer[T]{value: value, found: found}
	own := Lifetime{c.cfg.NullTTL, c.cfg.NullTTL}
	if found {
		var err error
		if own, err = c.lives(key, value); err != nil {
			return got, err
		}
	}
	now, keep := time.Now().UnixMilli(), 1-rand.Float64()*c.cfg.Jitter
	got.life = life{
		id:   rand.Uint64(),
		soft: now + scale(min(own.Soft, own.Hard), keep),
		hard: now + max(1, scale(own.Hard, keep)),
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
	data, err := c.encode(key, got.value)
	if err != nil {
		return nil, err
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

// times returns the deadlines of an answer with life l that is had now. Whatever
// L2 says, it is fresh for L1TTL at most.
func (c *Cache[T]) times(l life, now time.Time) times {
	age, wall := c.local.age(now), now.UnixMilli()
	left := func(at int64) int64 { return (at - wall) * int64(time.Millisecond) }
	own := int64(float64(c.cfg.L1TTL) * (1 - rand.Float64()*c.cfg.Jitter))
	t := times{
		fresh:  age + min(own, left(l.hard)),
		soft:   age + left(l.soft),
		spread: max(0, c.cfg.Beta) * float64(l.took),
	}
	t.early = t.soft - int64(tail*t.spread)
	return t
}

// keep puts an answer into L1, unless its key was dropped since gen, and
// returns the entry; nil without an L1. The error is that of a cost that cannot
// be had.
func (c *Cache[T]) keep(key string, gen generation, got answer[T], t times) (*entry[T], error) {
	if c.local.off {
		return nil, nil
	}
	cost, err := c.weigh(key, got.value)
	if err != nil {
		return nil, err
	}
	e := &entry[T]{times: t, value: got.value, found: got.found, id: got.life.id, cost: cost}
	c.local.store(key, gen, e)
	return e, nil
}

// bring lands f with an answer that serves who boarded before a stage, and
// keeps it.
func (c *Cache[T]) bring(f *flight[T], got answer[T], valid int) {
	if _, err := c.keep(f.key, f.gen, got, c.times(got.life, time.Now())); err != nil {
		f.fail(err)
		return
	}
	f.land(got, valid)
}

// standIn returns a stale answer for want of a better one.
func (c *Cache[T]) standIn(key string) (answer[T], bool) {
	e, ok := c.stale(key)
	if !ok {
		return answer[T]{}, false
	}
	c.counts.stale.Add(1)
	return answer[T]{value: e.value, found: e.found}, true
}

// stale returns what L1 holds of key, until Config.StaleFor after its own end.
func (c *Cache[T]) stale(key string) (*entry[T], bool) {
	if c.cfg.StaleFor <= 0 {
		return nil, false
	}
	e, now := c.local.get(key)
	return e, e != nil && now < e.fresh+int64(c.cfg.StaleFor)
}
