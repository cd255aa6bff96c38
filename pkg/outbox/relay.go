package outbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// drainTimeout is what a shutdown allows the rounds in hand.
	drainTimeout = 5 * time.Second
	leaveTimeout = 5 * time.Second
)

// relay runs a loop for every partition whose lease this process holds. Its
// fields belong to the goroutine of run; until is for the loops.
type relay struct {
	o       *Outbox
	leases  *leases
	table   *pointers
	created bool // the rows of relay_lease are there
	until   atomic.Pointer[time.Time]
	held    map[address]*tenure
	loops   sync.WaitGroup
}

// tenure is one partition from the gain of its lease to the loss.
type tenure struct {
	epoch   int64
	leaving bool
	quit    chan struct{}      // closed: the loop is to finish its round
	abandon context.CancelFunc // the loop is to stop where it stands
	done    chan struct{}      // closed: the loop has returned
}

func newRelay(o *Outbox) *relay {
	r := &relay{o: o, leases: newLeases(o), table: newPointers(o), held: make(map[address]*tenure)}
	r.until.Store(&time.Time{})
	return r
}

func (r *relay) run(ctx context.Context) {
	var crew sync.WaitGroup
	crew.Go(func() { r.poll(ctx) })
	crew.Go(func() { r.sweep(ctx) })
	r.keep(ctx)
	crew.Wait()
	r.shutDown(ctx)
}

// keep renews the leases and follows them with loops until ctx ends. It looks
// more often while a partition is about to change hands.
func (r *relay) keep(ctx context.Context) {
	for ctx.Err() == nil {
		hungry, err := r.refresh(ctx)
		if err != nil && ctx.Err() == nil {
			r.o.log.Warn("outbox leases not refreshed", "error", err)
		}
		if !r.valid() {
			r.follow(ctx, view{})
		}
		pace := r.leases.ttl / 3
		if hungry || err != nil || r.leaving() > 0 {
			pace = r.leases.ttl / 30
		}
		select {
		case <-ctx.Done():
		case <-time.After(pace):
		}
	}
}

// refresh asks the database for as long as a lease lasts, and no longer.
func (r *relay) refresh(ctx context.Context) (hungry bool, err error) {
	asking, cancel := context.WithTimeout(ctx, r.leases.ttl)
	defer cancel()
	if !r.created {
		if err := r.leases.create(asking); err != nil {
			return false, err
		}
		r.created = true
	}
	if err := r.handOver(asking); err != nil {
		return false, err
	}
	v, err := r.leases.refresh(asking)
	if err != nil {
		return false, err
	}
	r.until.Store(&v.until)
	r.follow(ctx, v)
	return v.hungry(), nil
}

// valid reports whether all leases in held surely hold. Without a renewal a
// loop finds out by itself that they no longer do.
func (r *relay) valid() bool { return time.Now().Before(*r.until.Load()) }

// follow starts and stops loops until they match v.
func (r *relay) follow(ctx context.Context, v view) {
	for a, t := range r.held {
		if epoch, ok := v.held[a]; !ok || epoch != t.epoch {
			t.abandon()
			delete(r.held, a)
		}
	}
	for a, epoch := range v.held {
		if r.held[a] == nil {
			r.held[a] = r.start(ctx, a, epoch)
		}
	}
	r.giveUpAbove(v.quota)
}

func (r *relay) start(ctx context.Context, a address, epoch int64) *tenure {
	// A shutdown lets a round finish: the loop outlives ctx for a moment.
	ctx, abandon := context.WithCancel(context.WithoutCancel(ctx))
	t := &tenure{epoch: epoch, quit: make(chan struct{}), abandon: abandon, done: make(chan struct{})}
	l := &loop{partition: r.o.partitions[a], o: r.o, table: r.table, valid: r.valid, quit: t.quit}
	r.o.metrics.owned.Inc()
	r.loops.Go(func() {
		defer close(t.done)
		defer r.o.metrics.owned.Dec()
		defer abandon()
		l.run(ctx)
	})
	return t
}

// giveUpAbove asks the loops of surplus partitions to finish.
func (r *relay) giveUpAbove(quota map[string]int) {
	staying := make(map[string]int)
	for a, t := range r.held {
		if t.leaving {
			continue
		}
		if staying[a.topic]++; staying[a.topic] > quota[a.topic] {
			t.leave()
		}
	}
}

func (t *tenure) leave() {
	if !t.leaving {
		t.leaving = true
		close(t.quit)
	}
}

func (r *relay) leaving() (n int) {
	for _, t := range r.held {
		if t.leaving {
			n++
		}
	}
	return n
}

// handOver gives back the leases of surplus partitions whose loops are done.
// What is not quickly deleted before is published again by the next: the leases
// of all others wait to be renewed.
func (r *relay) handOver(ctx context.Context) error {
	for a, t := range r.held {
		select {
		case <-t.done:
			quickly, cancel := context.WithTimeout(ctx, r.leases.ttl/10)
			_ = r.table.forget(quickly, a)
			cancel()
			if err := r.leases.release(ctx, a, t.epoch); err != nil {
				return err
			}
			delete(r.held, a)
		default:
		}
	}
	return nil
}

// shutDown lets the loops finish their rounds, then gives everything back so
// that the next process need not wait for the leases to run out.
func (r *relay) shutDown(ctx context.Context) {
	for _, t := range r.held {
		t.leave()
	}
	late := time.AfterFunc(drainTimeout, func() {
		for _, t := range r.held {
			t.abandon()
		}
	})
	r.loops.Wait()
	late.Stop()
	r.table.reads.wait()
	r.leave(context.WithoutCancel(ctx))
}

// leave deletes what is spent and gives all leases back, each in its own time.
func (r *relay) leave(ctx context.Context) {
	deleting, cancel := context.WithTimeout(ctx, togetherTimeout)
	defer cancel()
	if err := r.forgetAll(deleting); err != nil {
		r.o.log.Warn("outbox leaves acknowledged pointers: their packs are published again", "error", err)
	}
	ctx, cancel = context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	if err := r.leases.leave(ctx); err != nil {
		r.o.log.Warn("outbox leases not released", "error", err)
	}
}
