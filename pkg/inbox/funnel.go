package inbox

import (
	"context"
	"time"
)

// pump applies batch after batch until the claims have ended, or until it had
// to leave a batch undone. What is read after that is dropped, because progress
// and offsets raised by later records would pass over the batch's: whoever
// claims the partitions next gets all of them.
func (i *Inbox) pump(ctx context.Context) {
	stands := true
	for first := range i.items {
		if !stands {
			continue
		}
		if b := i.collect(first); len(b.items) > 0 {
			stands = i.apply(ctx, b)
			b.settle()
		}
	}
}

// collect gathers a batch: what has queued up while the last one was applied,
// what comes until the next is due, and, for at most Linger, what is known to be
// on its way.
func (i *Inbox) collect(first item) *batch {
	b := newBatch(i.cfg.Group)
	b.add(first)
	i.gather(b, i.cadence.Left(), func() bool { return true })
	i.gather(b, i.cfg.Linger, i.moreComing)
	i.cadence.Begin(b.size())
	return b
}

// gather adds what has queued up and, while more is expected, what comes within d.
func (i *Inbox) gather(b *batch, d time.Duration, expected func() bool) {
	over := time.NewTimer(d)
	defer over.Stop()
	for b.size() < i.cfg.BatchMax {
		it, ok := i.next(over.C, expected)
		if !ok {
			return
		}
		b.add(it)
	}
}

// next returns the next record, if there is one or one is expected.
func (i *Inbox) next(over <-chan time.Time, expected func() bool) (item, bool) {
	select {
	case it, ok := <-i.items:
		return it, ok
	default:
	}
	if !expected() {
		return item{}, false
	}
	select {
	case it, ok := <-i.items:
		return it, ok
	case <-over:
		return item{}, false
	}
}
