package cache

import (
	"fmt"
	"time"
)

// caught, which is deferred where the cache calls what others have written,
// makes a panic in there the error of that call. On the goroutine of a flight
// it would end the process, whatever the callers recover.
func (c *Cache[T]) caught(what string, err *error) {
	if p := recover(); p != nil {
		c.counts.panics.Add(1)
		*err = fmt.Errorf("cache %s: %s panicked: %v", c.name, what, p)
	}
}

func (c *Cache[T]) encode(key string, value T) (data []byte, err error) {
	defer c.caught("codec", &err)
	if data, err = c.codec.Encode(value); err != nil {
		return nil, fmt.Errorf("cache %s: encode %s: %w", c.name, key, err)
	}
	return data, nil
}

func (c *Cache[T]) decode(data []byte) (value T, err error) {
	defer c.caught("codec", &err)
	return c.codec.Decode(data)
}

// weigh returns the cost of a value in L1.
func (c *Cache[T]) weigh(key string, value T) (cost uint32, err error) {
	if c.cost == nil {
		return 1, nil
	}
	defer c.caught("cost", &err)
	return c.cost(key, value), nil
}

// lives returns how long a value lives.
func (c *Cache[T]) lives(key string, value T) (own Lifetime, err error) {
	if c.lifetime != nil {
		defer c.caught("lifetime", &err)
		own = c.lifetime(key, value)
	}
	setDefault(&own.Hard, c.cfg.TTL)
	setDefault(&own.Soft, min(c.cfg.SoftTTL, own.Hard))
	if own.Hard < time.Millisecond {
		return own, ErrTTL
	}
	return own, nil
}
