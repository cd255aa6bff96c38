package cache

import (
	"context"
	"errors"
)

// fetch delivers what L2 or the source says of keys that memory does not have,
// or stale values where that fails. It returns the errors of the other keys,
// joined; when ctx ends, loads go on without the caller.
func (c *Cache[T]) fetch(ctx context.Context, keys []string, src source[T], deliver func(string, answer[T])) error {
	var errs []error
	for len(keys) > 0 {
		if ctx.Err() != nil {
			return unique(append(errs, c.leave(ctx, keys, deliver)...))
		}
		var late []ticket[T]
		tickets := make([]ticket[T], len(keys))
		c.board(ctx, keys, src, tickets)
		for _, t := range tickets {
			got, inTime, err := c.await(ctx, t)
			switch {
			case !inTime:
				late = append(late, t)
			case err != nil:
				errs = append(errs, err)
			default:
				deliver(t.key, got)
			}
		}
		keys = c.catchUp(ctx, late, src, deliver)
	}
	return unique(errs)
}

// leave delivers what is stale of the keys that a caller who has gone was after,
// and returns the errors of the others. He begins nothing.
func (c *Cache[T]) leave(ctx context.Context, keys []string, deliver func(string, answer[T])) (errs []error) {
	for _, key := range keys {
		c.counts.misses.Add(1)
		if got, ok := c.standIn(key); ok {
			deliver(key, got)
		} else {
			errs = append(errs, context.Cause(ctx))
		}
	}
	return errs
}

// board gives the caller a ticket for the flight of each key, and begins those
// that are not under way as one: with a lookup in L2 on the caller's own time.
func (c *Cache[T]) board(ctx context.Context, keys []string, src source[T], tickets []ticket[T]) {
	refused := !c.reachable(ctx, keys[0])
	var mine []*flight[T]
	for i, key := range keys {
		var lead bool
		if tickets[i], lead = c.flights.join(key, refused); lead {
			mine = append(mine, tickets[i].flight)
		}
	}
	if len(mine) > 0 {
		c.lead(ctx, mine, src, refused)
	}
}

// lead looks in L2 for the keys of list and launches the flights of the rest.
func (c *Cache[T]) lead(ctx context.Context, list []*flight[T], src source[T], refused bool) {
	defer func() { c.launch(ctx, c.flights.finish(list), src) }() // whatever happens: others have boarded
	if refused {
		return
	}
	keys := make([]string, len(list))
	for i, f := range list {
		keys[i] = f.key
	}
	c.flights.advance(list)
	c.lookup(ctx, keys, src, func(i int, got answer[T], err error) {
		f := list[i]
		if f.hit = err == nil; f.hit {
			f.land(got, f.stage)
		} else {
			f.fail(err)
		}
	})
}

// launch has flights go on beside the caller. They are everybody's: the
// caller's end must not be theirs.
func (c *Cache[T]) launch(ctx context.Context, list []*flight[T], src source[T]) {
	if len(list) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	if !c.start(func() { c.fly(ctx, list, src) }) {
		for _, f := range list {
			f.fail(ErrClosed)
		}
		c.flights.finish(list)
	}
}

// await waits for the end of a flight; not inTime when it has no answer for
// who boarded as late as this caller.
func (c *Cache[T]) await(ctx context.Context, t ticket[T]) (got answer[T], inTime bool, err error) {
	if err = c.flights.wait(ctx, t.flight); err == nil {
		got, err = t.got, t.err
		switch {
		case err == nil && !t.serves():
			return got, false, nil
		case err == nil && t.hit:
			c.counts.l2.Add(1)
			return got, true, nil
		}
	}
	c.counts.misses.Add(1)
	if err == nil {
		return got, true, nil
	}
	if old, ok := c.standIn(t.key); ok {
		return old, true, nil
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
