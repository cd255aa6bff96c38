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
	select {
	case c.refreshes <- struct{}{}:
	default:
		e.claimed.Store(false)
		return
	}
	ctx = context.WithoutCancel(ctx)
	if !c.start(func() { defer func() { <-c.refreshes }(); c.renew(ctx, key, e.id, src) }) {
		<-c.refreshes
	}
}

// renew replaces the entry of L2 that has this id. The claim comes first: who
// gets it sees whether another has just renewed the entry. After a failed load
// the claim stays until it expires, so nobody tries again at once.
func (c *Cache[T]) renew(ctx context.Context, key string, id uint64, src source[T]) {
	token, err := c.remote.claim(ctx, key, c.cfg.LoadTimeout)
	if err != nil || token == "" {
		return
	}
	f := &flight[T]{key: key, gen: c.local.generation(key)}
	held, err := c.remote.get(ctx, key)
	got, ok := c.unseal(held)
	switch {
	case err != nil || !ok: // invalidated: the next reader loads it
	case got.life.id != id:
		_, _ = c.keep(key, f.gen, got, c.times(got.life, time.Now())) // nobody waits for it
	default:
		f.hold = mark(held)
		c.counts.refreshes.Add(1)
		if c.load(ctx, []*flight[T]{f}, src); f.err != nil {
			return
		}
	}
	if err := c.remote.release(ctx, key, token); err != nil {
		c.failed(err)
	}
}
