package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// leaseGrace is how long past the life of a lease a flight waits for it: some
// polls, in which one process takes over the lease that has lapsed and the
// others may still find what a quick load brings.
const leaseGrace = 200 * time.Millisecond

var errLeft = errors.New("cache: the loader ended its goroutine")

// fly brings every flight home. While other processes hold leases it waits for
// what they find, until those leases have ended. It does not load beside
// another's lease: a source that is slow would then be asked by all at once.
func (c *Cache[T]) fly(ctx context.Context, list []*flight[T], src source[T]) {
	defer func() { c.abandon(ctx, list) }()
	deadline := time.Now().Add(c.cfg.LoadTimeout + leaseGrace)
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		mine, theirs := c.acquire(ctx, list)
		if time.Now().After(deadline) {
			for _, f := range theirs {
				f.fail(ErrBusy)
			}
		}
		list = c.flights.finish(list) // what is found does not wait for the load of the rest
		c.load(ctx, mine, src)
		if list = c.flights.finish(list); len(list) == 0 {
			return
		}
		time.Sleep(wait/2 + rand.N(wait/2))
	}
}

// abandon ends the flights of a goroutine that a loader has ended, as a test
// does that fails in it.
func (c *Cache[T]) abandon(ctx context.Context, list []*flight[T]) {
	for _, f := range list {
		f.fail(errLeft)
	}
	c.giveUp(ctx, list)
	c.flights.finish(list)
}

// acquire lands the flights for which L2 has a value and divides the others:
// those that are this process' to load, under a lease if L2 gave one, and those
// that another is loading.
func (c *Cache[T]) acquire(ctx context.Context, list []*flight[T]) (mine, theirs []*flight[T]) {
	c.flights.advance(list)
	keys := make([]string, len(list))
	for i, f := range list {
		keys[i], f.gen = f.key, c.local.generation(f.key)
	}
	leases := c.remote.acquire(ctx, keys, c.cfg.LoadTimeout)
	c.harvest(ctx, list, leases)
	for i, f := range list {
		switch l := leases[i]; {
		case f.over:
		case l.err != nil:
			c.failed(l.err)
			if c.remote.health.away() { // else who comes later asks Redis, and learns of a change
				c.flights.isolate(f)
			}
			mine = append(mine, f)
		case l.token != "":
			f.lease(l.token)
			mine = append(mine, f)
		default:
			theirs = append(theirs, f)
		}
	}
	return mine, theirs
}

// harvest lands the flights for which L2 held a value, and tries for a lease
// where nobody can read what it held.
func (c *Cache[T]) harvest(ctx context.Context, list []*flight[T], leases []lease) {
	var unreadable []int
	for i, f := range list {
		held := leases[i].held
		if len(held) == 0 || isLease(held) {
			continue
		}
		if got, ok := c.unseal(held); ok {
			c.bring(f, got, f.stage)
			continue
		}
		unreadable = append(unreadable, i)
	}
	c.seize(ctx, list, leases, unreadable)
}

// seize tries for a lease in the place of what nobody can read, such as the
// bytes of another codec.
func (c *Cache[T]) seize(ctx context.Context, list []*flight[T], leases []lease, unreadable []int) {
	if len(unreadable) == 0 {
		return
	}
	puts := make([]put, len(unreadable))
	for n, i := range unreadable {
		puts[n] = put{key: list[i].key, mark: string(leases[i].held)}
	}
	c.counts.unreadable.Add(int64(len(unreadable)))
	for n, l := range c.remote.seize(ctx, puts, c.cfg.LoadTimeout) {
		leases[unreadable[n]] = l
	}
}
