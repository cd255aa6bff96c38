package cache

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Loader asks the source for one key. found is false when the source has no
// such key, which is an answer and not an error. Its context is the caller's
// without the caller's cancellation, and ends after Config.LoadTimeout; a
// refresh-ahead calls it after the Get it was given to has returned, unless the
// cache has another for that (WithRenewals), and a Refresh whose caller has left may.
//
// It must read the source when it is called, and not return what was read
// before, such as a list that a Warm works through. What makes a late fill void
// is that the key was invalidated since its lease was taken, and its generation
// in memory noted, just before the call; of an invalidation between an earlier
// reading and the call nobody would know, and the old value would stay.
type Loader[T any] func(ctx context.Context) (value T, found bool, err error)

// BatchLoader asks the source for several keys at once, under the conditions
// of Loader. A key that is not in the result does not exist; with an error,
// the keys that are in the result stand, and the others have failed.
type BatchLoader[T any] func(ctx context.Context, keys []string) (map[string]T, error)

// source is either kind of loader.
type source[T any] interface {
	ask(ctx context.Context, keys []string) (map[string]T, error)
}

func (l BatchLoader[T]) ask(ctx context.Context, keys []string) (map[string]T, error) {
	return l(ctx, keys)
}

// ask is for the one key that l knows.
func (l Loader[T]) ask(ctx context.Context, keys []string) (map[string]T, error) {
	value, found, err := l(ctx)
	if err != nil || !found {
		return nil, err
	}
	return map[string]T{keys[0]: value}, nil
}

// ErrBusy says that Config.MaxLoads loads were running and none ended in time,
// or that other processes were loading the key and brought nothing in time.
var ErrBusy = errors.New("cache: the source is busy")

// load asks the source about the flights with one call and lands them.
func (c *Cache[T]) load(ctx context.Context, list []*flight[T], src source[T]) {
	if len(list) == 0 {
		return
	}
	keys := make([]string, len(list))
	for i, f := range list {
		keys[i] = f.key
	}
	begun := time.Now()
	values, err := c.call(ctx, keys, src)
	took := time.Since(begun)
	var loaded, failed []*flight[T]
	for _, f := range list {
		value, found := values[f.key]
		if err != nil && !found {
			f.fail(err)
			failed = append(failed, f)
			continue
		}
		f.got.value, f.got.found = value, found
		loaded = append(loaded, f)
	}
	c.fill(ctx, loaded, took)
	c.giveUp(ctx, failed)
}

// call calls the loader, under its own deadline and within the bound.
func (c *Cache[T]) call(ctx context.Context, keys []string, src source[T]) (values map[string]T, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.LoadTimeout)
	defer cancel()
	if err := c.takeSlot(ctx, keys); err != nil {
		return nil, err
	}
	defer func() { <-c.slots }()
	ctx, span := c.span(ctx, keys)
	begun := time.Now()
	defer func() {
		c.counts.loaded(time.Since(begun), err)
		if err != nil {
			span.SetStatus(codes.Error, "load")
		}
		span.End()
	}()
	defer c.caught("loader", &err)
	return src.ask(ctx, keys)
}

// span is of a load that is part of a sampled trace. Others, such as renewals ahead
// of time, would each be a trace of one span.
func (c *Cache[T]) span(ctx context.Context, keys []string) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, noop.Span{}
	}
	return c.tracer.Start(ctx, "cache load", trace.WithAttributes(
		attribute.String("cache.name", c.name), attribute.Int("cache.keys", len(keys))))
}

// takeSlot waits for a free slot, but not when stale values are at hand.
func (c *Cache[T]) takeSlot(ctx context.Context, keys []string) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	if c.allStale(keys) {
		return ErrBusy
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ErrBusy
	}
}

func (c *Cache[T]) allStale(keys []string) bool {
	for _, key := range keys {
		if _, ok := c.stale(key); !ok {
			return false
		}
	}
	return true
}

// fill stores what was loaded in L2, where the flights' marks still stand, and
// in L1.
func (c *Cache[T]) fill(ctx context.Context, list []*flight[T], took time.Duration) {
	var puts []put
	var held, rest []*flight[T]
	for _, f := range list {
		got, envelope, err := c.pack(f.key, f.got.value, f.got.found, took)
		switch {
		case errors.Is(err, ErrTTL): // over already: for those who wait, and nobody else
			f.land(got, f.stage)
			rest = append(rest, f)
		case err != nil:
			f.fail(err)
			rest = append(rest, f)
		case f.hold == "":
			c.bring(f, got, f.stage)
		default:
			f.got = got
			held, puts = append(held, f), append(puts, put{f.key, f.hold, envelope, got.life.hard})
		}
	}
	c.giveUp(ctx, rest)
	c.put(ctx, held, puts)
}

// put stores envelopes in L2. Where a mark is gone the value may be older than
// an invalidation, so nobody keeps it, and only those get it who waited for it
// before the load began.
func (c *Cache[T]) put(ctx context.Context, list []*flight[T], puts []put) {
	if len(list) == 0 {
		return
	}
	c.flights.advance(list)
	var failed []*flight[T]
	for i, done := range c.remote.fill(ctx, puts) {
		f := list[i]
		switch {
		case done.err != nil: // an invalidation we do not know of ends in a resync
			c.failed(done.err)
			failed = append(failed, f)
			c.bring(f, f.got, f.stage-1)
		case done.filled: // so until now there was no invalidation
			c.bring(f, f.got, f.stage)
		default:
			c.counts.voided.Add(1)
			f.land(f.got, f.stage-1)
		}
	}
	// Those who wait for the values do not wait for a Redis that may be silent.
	if len(failed) > 0 {
		c.start(func() { c.giveUp(ctx, failed) })
	}
}

// giveUp frees the leases that flights of list have, so that others need not
// wait them out. What a Refresh found in L2 stays, also if that is a lease.
func (c *Cache[T]) giveUp(ctx context.Context, list []*flight[T]) {
	var keys, placeholders []string
	for _, f := range list {
		if f.leased {
			keys, placeholders = append(keys, f.key), append(placeholders, f.hold)
		}
	}
	if len(keys) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.LoadTimeout)
	defer cancel()
	if err := c.remote.forfeit(ctx, keys, placeholders); err != nil {
		c.failed(err)
	}
}
