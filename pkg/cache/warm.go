package cache

import (
	"context"
	"iter"
)

// warmBatch is how many keys Warm asks for at a time.
const warmBatch = 200

// Progress is how far a Warm has come, in keys.
type Progress struct {
	Done   int // of them, as far as Warm came
	Found  int // the cache now holds
	Failed int // were in a batch that failed
}

// Warm brings the keys into the cache that are not there, before readers ask
// for them, and has those refreshed ahead that are due. It works through keys in
// batches, one at a time, so that it takes no more than one loader slot, besides
// those of refreshes, and as much memory as 200 values; processes that warm the
// same keys share the loads. It is load that must read the source, for
// the keys it is given and when it is called: see Loader. After each batch it calls report, unless
// that is nil. A batch that fails is counted and passed over. Warm blocks until
// keys end or ctx does; its error is wrong use or ctx's.
func (c *Cache[T]) Warm(ctx context.Context, keys iter.Seq[string], load BatchLoader[T], report func(Progress)) (Progress, error) {
	var p Progress
	if load == nil {
		return p, ErrNoLoader
	}
	batch := make([]string, 0, warmBatch)
	for key := range keys {
		if err := check(false, key); err != nil {
			return p, err
		}
		if batch = append(batch, key); len(batch) < warmBatch {
			continue
		}
		if p = c.warm(ctx, batch, load, report, p); ctx.Err() != nil {
			return p, context.Cause(ctx)
		}
		batch = batch[:0]
	}
	if len(batch) > 0 {
		p = c.warm(ctx, batch, load, report, p)
	}
	return p, context.Cause(ctx)
}

func (c *Cache[T]) warm(ctx context.Context, keys []string, load BatchLoader[T], report func(Progress), p Progress) Progress {
	c.exists(keys...)
	values, err := c.MGet(ctx, keys, load)
	p.Done += len(keys)
	p.Found += len(values)
	if err != nil {
		p.Failed += len(keys) - len(values)
	}
	if report != nil {
		report(p)
	}
	return p
}
