package cache

import "context"

// MGet returns the values of the keys that exist. It asks L2 for all that
// memory does not have in one round trip, and one call of load for all that
// are its own to load; those that another caller or process is after already
// it waits for. A key that stands in keys twice is loaded once. With an error,
// which is one of Get's, what is in the result stands, and of the other keys
// nothing is known; wrong use returns no result. The map is the caller's, its
// values are shared with other readers. Each call of load takes one slot: ask for
// hundreds of keys at a time, not for all.
func (c *Cache[T]) MGet(ctx context.Context, keys []string, load BatchLoader[T]) (map[string]T, error) {
	if err := check(load == nil, keys...); err != nil {
		return nil, err
	}
	values := make(map[string]T, len(keys))
	deliver := func(key string, got answer[T]) {
		if got.found {
			values[key] = got.value
		}
	}
	return values, c.fetch(ctx, c.fromMemory(ctx, keys, load, deliver), load, deliver)
}

// fromMemory delivers what L1 has and returns the keys that are left, without
// those that cannot exist.
func (c *Cache[T]) fromMemory(ctx context.Context, keys []string, src source[T], deliver func(string, answer[T])) (left []string) {
	for _, key := range keys {
		e, now := c.local.get(key)
		switch {
		case e != nil && now < e.fresh:
			c.counts.l1.Add(1)
			if e.due(now) {
				c.ahead(ctx, key, e, src)
			}
			deliver(key, answer[T]{value: e.value, found: e.found})
		case c.mayExist(key):
			left = append(left, key)
		}
	}
	return left
}
