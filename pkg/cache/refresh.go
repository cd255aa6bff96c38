package cache

import (
	"context"
	"time"
)

// Refresh loads key now and replaces what L2 and this process have of it;
// others go on with their L1 until it expires: after a change, Invalidate. It
// blocks until the load has ended, or until ctx has, and the load goes on. When
// the key is invalidated or written meanwhile, the value is returned and not
// kept. Errors are those of Get.
func (c *Cache[T]) Refresh(ctx context.Context, key string, load Loader[T]) (value T, found bool, err error) {
	if err := check(load == nil, key); err != nil {
		return value, false, err
	}
	if ctx.Err() != nil {
		return value, false, context.Cause(ctx)
	}
	f, free := &flight[T]{key: key}, context.WithoutCancel(ctx)
	if !c.start(func() { c.replace(free, f, load) }) {
		return value, false, ErrClosed
	}
	if err := c.flights.wait(ctx, f); err != nil {
		return value, false, err
	}
	return f.got.value, f.got.found, f.err
}

// replace loads the key of f in the place of what L2 and this process have.
func (c *Cache[T]) replace(ctx context.Context, f *flight[T], load Loader[T]) {
	list := []*flight[T]{f}
	defer func() { c.abandon(ctx, list) }()
	f.gen = c.local.generation(f.key)
	c.grasp(ctx, f)
	c.load(ctx, list, load)
	if f.err == nil && f.got.found {
		c.exists(f.key)
	}
	list = c.flights.finish(list)
}

// grasp has f note what its answer will replace: the entry of L2, another's
// lease, or one of our own where there is nothing that anybody can read.
func (c *Cache[T]) grasp(ctx context.Context, f *flight[T]) {
	leases := c.remote.acquire(ctx, []string{f.key}, c.cfg.LoadTimeout)
	if held := leases[0].held; len(held) > 0 && !isLease(held) {
		if _, ok := c.unseal(held); !ok {
			c.seize(ctx, []*flight[T]{f}, leases, []int{0})
		}
	}
	switch l := leases[0]; {
	case l.err != nil:
		c.failed(l.err)
	case l.token != "":
		f.lease(l.token)
	default:
		f.hold = mark(l.held)
	}
}

// ahead reloads in the background what e holds, if there is a free slot for
// that. Each copy in memory tries once, and of all processes one loads.
func (c *Cache[T]) ahead(ctx context.Context, key string, e *entry[T], src source[T]) {
	if c.remote.health.away() || !e.claimed.CompareAndSwap(false, true) {
		return
	}
	if !c.begin(context.WithoutCancel(ctx), due{key, e.id}, src) {
		e.claimed.Store(false)
	}
}

// begin has d renewed, with others where there is a loader for that; false when
// there is no place for it now.
func (c *Cache[T]) begin(ctx context.Context, d due, src source[T]) bool {
	if c.renewals.load != nil {
		return c.gather(d)
	}
	return c.startRenewal(func() { c.renew(ctx, []due{d}, src) })
}

// startRenewal runs fn in the background if there is a free slot.
func (c *Cache[T]) startRenewal(fn func()) bool {
	select {
	case c.refreshes <- struct{}{}:
	default:
		return false
	}
	if c.start(func() { defer func() { <-c.refreshes }(); fn() }) {
		return true
	}
	<-c.refreshes
	return false
}

// due is the entry of L2 that is to be renewed: the one with this id, and no
// other.
type due struct {
	key string
	id  uint64
}

// renew replaces entries of L2. The claims come first: who gets one sees
// whether another has just renewed the entry. After a failed load a claim stays
// until it expires, so nobody tries again at once.
func (c *Cache[T]) renew(ctx context.Context, list []due, src source[T]) {
	list, tokens := c.claim(ctx, list)
	if len(list) == 0 {
		return
	}
	flights := c.outdated(ctx, list)
	c.counts.refreshes.Add(int64(len(flights)))
	c.load(ctx, flights, src)
	failed := make(map[string]bool)
	for _, f := range flights {
		failed[f.key] = f.err != nil
	}
	var keys, back []string
	for i, d := range list {
		if !failed[d.key] {
			keys, back = append(keys, d.key), append(back, tokens[i])
		}
	}
	if err := c.remote.release(ctx, keys, back); err != nil {
		c.failed(err)
	}
}

// claim returns those of list that no other process renews, and the claims.
func (c *Cache[T]) claim(ctx context.Context, list []due) (mine []due, tokens []string) {
	all := c.remote.claim(ctx, keysOf(list), c.cfg.LoadTimeout)
	for i, d := range list {
		if all[i] != "" {
			mine, tokens = append(mine, d), append(tokens, all[i])
		}
	}
	return mine, tokens
}

// outdated makes flights for those of list that L2 still holds as they were.
// What another has renewed is kept in memory; what is gone the next reader loads.
func (c *Cache[T]) outdated(ctx context.Context, list []due) (flights []*flight[T]) {
	gens := make([]generation, len(list))
	for i, d := range list {
		gens[i] = c.local.generation(d.key)
	}
	held := make([][]byte, len(list))
	if err := c.remote.getAll(ctx, keysOf(list), held); err != nil {
		return nil
	}
	for i, d := range list {
		switch got, ok := c.unseal(held[i]); {
		case !ok:
		case got.life.id != d.id:
			_, _ = c.keep(d.key, gens[i], got, c.times(got.life, time.Now())) // nobody waits for it
		default:
			flights = append(flights, &flight[T]{key: d.key, gen: gens[i], hold: mark(held[i])})
		}
	}
	return flights
}

func keysOf(list []due) []string {
	keys := make([]string, len(list))
	for i, d := range list {
		keys[i] = d.key
	}
	return keys
}
