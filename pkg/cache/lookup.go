package cache

import (
	"cmp"
	"context"
	"time"
)

// reachable reports whether Redis may be asked. After a failure it is tried by
// one caller at a time, who does that before he boards a flight, so that nobody
// else waits for it.
func (c *Cache[T]) reachable(ctx context.Context, key string) bool {
	if !c.remote.health.away() {
		return true
	}
	if !c.remote.health.ask() {
		return false
	}
	_, err := c.remote.get(ctx, key)
	if err != nil {
		c.failed(err)
	}
	return !c.remote.health.away()
}

// lookup asks L2 for keys in one round trip and calls found with the index and
// the value of each that it holds, or an error over that. A value that is due is
// reloaded in the background.
func (c *Cache[T]) lookup(ctx context.Context, keys []string, src source[T], found func(int, answer[T], error)) {
	gens := make([]generation, len(keys))
	for i, key := range keys {
		gens[i] = c.local.generation(key)
	}
	held := make([][]byte, len(keys))
	err := c.remote.getAll(ctx, keys, held)
	if err != nil {
		c.failed(err)
	}
	now := time.Now()
	for i, key := range keys {
		got, ok := c.unseal(held[i])
		if !ok {
			continue
		}
		t := c.times(got.life, now)
		e, err := c.keep(key, gens[i], got, t)
		if err == nil && t.due(c.local.age(now)) {
			c.ahead(ctx, key, cmp.Or(e, &entry[T]{id: got.life.id}), src)
		}
		found(i, got, err)
	}
}

// look is a lookup that those share who came too late for the answer of one
// flight. It begins when that has ended, and so after they came.
type look[T any] struct {
	key   string
	got   answer[T]
	found bool
	done  chan struct{}
}

// catchUp looks again for keys whose flights the caller boarded too late: in
// memory, where their answers usually are by now, then in L2. It returns the
// keys that are left. If all boarded anew at once, the first would lead and the
// others be late again.
func (c *Cache[T]) catchUp(ctx context.Context, late []ticket[T], src source[T], deliver func(string, answer[T])) (rest []string) {
	var mine, looks []*look[T]
	for _, t := range late {
		if len(c.fromMemory(ctx, []string{t.key}, src, deliver)) == 0 {
			continue
		}
		l, lead := c.flights.again(t.flight)
		if looks = append(looks, l); lead {
			mine = append(mine, l)
		}
	}
	c.look(ctx, mine, src)
	for _, l := range looks {
		if !l.await(ctx) {
			rest = append(rest, l.key)
			continue
		}
		c.counts.l2.Add(1)
		deliver(l.key, l.got)
	}
	return rest
}

// look asks L2 for those who share the looks of list.
func (c *Cache[T]) look(ctx context.Context, list []*look[T], src source[T]) {
	defer func() {
		for _, l := range list {
			close(l.done)
		}
	}()
	if len(list) == 0 || c.remote.health.away() {
		return
	}
	keys := make([]string, len(list))
	for i, l := range list {
		keys[i] = l.key
	}
	c.lookup(ctx, keys, src, func(i int, got answer[T], err error) { list[i].got, list[i].found = got, err == nil })
}

// await reports whether L2 had the value.
func (l *look[T]) await(ctx context.Context) bool {
	select {
	case <-l.done:
		return l.found
	case <-ctx.Done():
		return false
	}
}
