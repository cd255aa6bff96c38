package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// lookup asks L2 for key on the caller's own time; not ok when it holds no
// value, refused when it could not be asked.
func (c *Cache[T]) lookup(ctx context.Context, key string, load BatchLoader[T]) (got answer[T], ok, refused bool) {
	if !c.remote.health.ask() {
		return got, false, true
	}
	gen := c.local.generation(key)
	held, err := c.remote.get(ctx, key)
	if err != nil {
		c.failed(err)
		return got, false, true
	}
	got, ok = c.receive(ctx, key, gen, held, load)
	return got, ok, false
}

// receive takes what L2 held; false when that is no value. One that is due is
// reloaded in the background.
func (c *Cache[T]) receive(ctx context.Context, key string, gen generation, held []byte, load BatchLoader[T]) (answer[T], bool) {
	got, ok := c.unseal(held)
	if !ok {
		return got, false
	}
	c.counts.l2.Add(1)
	if e := c.keep(key, gen, got); e.due(c.local.now()) {
		c.ahead(ctx, key, e, load)
	}
	return got, true
}

// lookupMany is lookup for many keys in one round trip. It delivers what L2
// has and returns the other keys.
func (c *Cache[T]) lookupMany(ctx context.Context, keys []string, load BatchLoader[T], deliver func(string, answer[T])) (rest []missing) {
	if len(keys) == 0 {
		return nil
	}
	if !c.remote.health.ask() {
		for _, key := range keys {
			rest = append(rest, missing{key, true})
		}
		return rest
	}
	gens := make([]generation, len(keys))
	for i, key := range keys {
		gens[i] = c.local.generation(key)
	}
	held, errs := c.remote.getMany(ctx, keys)
	if err := errors.Join(errs...); err != nil {
		c.failed(err)
	}
	for i, key := range keys {
		if got, ok := c.receive(ctx, key, gens[i], held[i], load); ok {
			deliver(key, got)
		} else {
			rest = append(rest, missing{key, errs[i] != nil})
		}
	}
	return rest
}

// fetch has keys that L2 did not have loaded, by this process or another, and
// delivers the answers, stale ones for loads that failed. It returns the errors
// of the other keys, joined; when ctx ends, loads go on without the caller.
func (c *Cache[T]) fetch(ctx context.Context, keys []missing, load BatchLoader[T], deliver func(string, answer[T])) error {
	var errs []error
	for len(keys) > 0 {
		var again []string
		for _, t := range c.board(ctx, keys, load) {
			got, valid, err := c.await(ctx, t)
			switch {
			case !valid:
				again = append(again, t.key)
			case err != nil:
				errs = append(errs, err)
			default:
				deliver(t.key, got)
			}
		}
		keys = c.lookupMany(ctx, again, load, deliver)
	}
	return unique(errs)
}

// await waits for the end of a flight; not valid when it has no answer for
// who boarded as late as this caller.
func (c *Cache[T]) await(ctx context.Context, t ticket[T]) (got answer[T], valid bool, err error) {
	select {
	case <-t.done:
		if got, err = t.got, t.err; err == nil {
			return got, t.serves(), nil
		}
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if e, ok := c.stale(t.key); ok {
		c.counts.stale.Add(1)
		return answer[T]{value: e.value, found: e.found}, true, nil
	}
	return got, true, err
}

// unique joins errors, of which a batch that failed gives every key the same.
func unique(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	seen := errs[:1]
	for _, err := range errs[1:] {
		if !errors.Is(seen[len(seen)-1], err) {
			seen = append(seen, err)
		}
	}
	if len(seen) == 1 {
		return seen[0]
	}
	return errors.Join(seen...)
}

// board gives the caller a place in the flight of each key, and starts those
// that are not under way as one.
func (c *Cache[T]) board(ctx context.Context, keys []missing, load BatchLoader[T]) []ticket[T] {
	tickets := make([]ticket[T], len(keys))
	var mine []*flight[T]
	for i, m := range keys {
		var lead bool
		if tickets[i], lead = c.flights.join(m); lead {
			mine = append(mine, tickets[i].flight)
		}
	}
	if len(mine) == 0 {
		return tickets
	}
	// The flight is everybody's: its caller's end must not be theirs.
	ctx = context.WithoutCancel(ctx)
	if !c.start(func() { c.fly(ctx, mine, load) }) {
		for _, f := range mine {
			f.fail(ErrClosed)
			c.flights.end(f)
		}
	}
	return tickets
}

// leaseGrace is how long past the life of a lease a flight waits for it: some
// polls, in which one process takes over the lease that has lapsed and the
// others may still find what a quick load brings.
const leaseGrace = 200 * time.Millisecond

// fly brings every flight home. While other processes hold leases it waits for
// what they find, until those leases have ended. It does not load beside
// another's lease: a source that is slow would then be asked by all at once.
func (c *Cache[T]) fly(ctx context.Context, list []*flight[T], load BatchLoader[T]) {
	deadline := time.Now().Add(c.cfg.LoadTimeout + leaseGrace)
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		mine, theirs := c.acquire(ctx, list)
		if time.Now().After(deadline) {
			for _, f := range theirs {
				f.fail(ErrBusy)
			}
			theirs = nil
		}
		c.load(ctx, mine, load)
		for _, f := range list {
			if f.over {
				c.flights.end(f)
			}
		}
		if len(theirs) == 0 {
			return
		}
		list = theirs
		time.Sleep(wait/2 + rand.N(wait/2))
	}
}

// acquire lands the flights for which L2 has a value and divides the others:
// those that are this process' to load, under a lease if L2 could be asked,
// and those that another is loading.
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
			f.alone = true
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

// harvest lands the flights for which L2 held a value. Where it held what
// nobody can read, such as the bytes of another codec, it tries for a lease.
func (c *Cache[T]) harvest(ctx context.Context, list []*flight[T], leases []lease) {
	var unreadable []int
	var puts []put
	for i, f := range list {
		held := leases[i].held
		if len(held) == 0 || isLease(held) {
			continue
		}
		if got, ok := c.unseal(held); ok {
			c.counts.l2.Add(1)
			c.keep(f.key, f.gen, got)
			f.land(got, f.stage)
			continue
		}
		unreadable, puts = append(unreadable, i), append(puts, put{key: f.key, mark: string(held)})
	}
	c.counts.unreadable.Add(int64(len(unreadable)))
	for n, l := range c.remote.seize(ctx, puts, c.cfg.LoadTimeout) {
		leases[unreadable[n]] = l
	}
}
