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
// and, for at most Linger, what is known to be on its way.
func (i *Inbox) collect(first item) *batch {
	b := newBatch(i.cfg.Group)
	b.add(first)
	linger := time.NewTimer(i.cfg.Linger)
	defer linger.Stop()
	for b.size() < i.cfg.BatchMax {
		it, ok := i.next(linger.C)
		if !ok {
			break
		}
		b.add(it)
	}
	return b
}

// next returns the next record, if there is one or one is about to come.
func (i *Inbox) next(linger <-chan time.Time) (item, bool) {
	select {
	case it, ok := <-i.items:
		return it, ok
	default:
	}
	if !i.moreComing() {
		return item{}, false
	}
	select {
	case it, ok := <-i.items:
		return it, ok
	case <-linger:
		return item{}, false
	}
}
