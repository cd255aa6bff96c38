package waitlist_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/waitlist"
)

// duty counts what it is given.
type duty struct {
	mu  sync.Mutex
	ids [][]int64
}

func (d *duty) do(_ context.Context, tx *database.Tx, ids []int64) ([]waitlist.Entry, error) {
	tx.OnCommit(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.ids = append(d.ids, ids)
	})
	return nil, nil
}

func (d *duty) done() []int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Concat(d.ids...)
}

func (w *world) enlist(t testing.TB, why string, due time.Time, ids ...int64) {
	t.Helper()
	entries := make([]waitlist.Entry, len(ids))
	for i, id := range ids {
		entries[i] = waitlist.Entry{ID: id, Why: why, Due: due}
	}
	w.inTx(t, func(ctx context.Context, tx *database.Tx) error { return waitlist.Enlist(ctx, tx, entries) })
}

func nowhere(context.Context, *database.Tx, int64, int64, int) (s waitlist.Stretch, err error) {
	return s, nil
}

func quick(batch int) waitlist.Config {
	return waitlist.Config{Owner: "test", Every: 5 * time.Millisecond, Batch: batch, Stretch: batch}
}

// Whoever is due is seen to, for its own reason and once, and leaves the list.
func TestDueRowsAreSeenTo(t *testing.T) {
	for _, batch := range []int{1, 500} {
		w, a, b := newWorld(t), &duty{}, &duty{}
		now := w.now(t)
		w.enlist(t, "a", now, 3, 1, 2)
		w.enlist(t, "a", now.Add(time.Hour), 4)
		w.enlist(t, "b", now, 1)
		w.enlist(t, "b", now.Add(time.Hour), 1) // stays as it is
		run(t, waitlist.New(w.db, nowhere, []waitlist.Duty{{Why: "a", Do: a.do, Urgent: true}, {Why: "b", Do: b.do}}, quick(batch), quiet()))
		eventually(t, "the list is empty of what is due", func() bool { return w.number(t, "SELECT COUNT(*) FROM straggler") == 1 })
		eventually(t, "all have been told so", func() bool { return len(a.done())+len(b.done()) >= 4 }) // after the commit
		if got := a.done(); len(got) != 3 || !slices.Equal(slices.Sorted(slices.Values(got)), []int64{1, 2, 3}) || !slices.Equal(b.done(), []int64{1}) {
			t.Errorf("batches of %d: saw to %v and %v", batch, got, b.done())
		}
	}
}

// A row that cannot be seen to holds up no other, and is tried again later.
func TestARowThatFailsIsPutOff(t *testing.T) {
	w, d := newWorld(t), &duty{}
	now := w.now(t)
	w.enlist(t, "a", now, 1, 2, 3)
	do := func(ctx context.Context, tx *database.Tx, ids []int64) ([]waitlist.Entry, error) {
		if slices.Contains(ids, 2) {
			return nil, errors.New("unreadable")
		}
		return d.do(ctx, tx, ids)
	}
	run(t, waitlist.New(w.db, nowhere, []waitlist.Duty{{Why: "a", Do: do}}, quick(500), quiet()))
	eventually(t, "the others are seen to", func() bool { return len(d.done()) == 2 })
	eventually(t, "the second is put off", func() bool {
		return w.number(t, "SELECT due FROM straggler WHERE order_id = 2") > database.Micros(now.Add(time.Second))
	})
}

// interruptions counts the looks that failed.
type interruptions struct {
	slog.Handler
	n atomic.Int64
}

func (i *interruptions) Enabled(context.Context, slog.Level) bool { return true }

func (i *interruptions) Handle(context.Context, slog.Record) error {
	i.n.Add(1)
	return nil
}

// Who has lost the lease changes nothing any more, and who has it keeps it.
func TestTheLeaseIsFenced(t *testing.T) {
	w, old, next := newWorld(t), &duty{}, &duty{}
	w.enlist(t, "a", w.now(t), 1)
	looked, stalled := make(chan struct{}), make(chan struct{})
	proceed := sync.OnceFunc(func() { close(stalled) })
	var once sync.Once
	stalls := func(ctx context.Context, tx *database.Tx, after, before int64, limit int) (waitlist.Stretch, error) {
		once.Do(func() { close(looked); <-stalled })
		return waitlist.Stretch{Rows: 1, Last: 99, Waiting: []waitlist.Entry{{ID: 99, Why: "a"}}}, nil
	}
	log := &interruptions{}
	short := waitlist.Config{Owner: "old", LeaseTTL: 10 * time.Millisecond}
	run(t, waitlist.New(w.db, stalls, []waitlist.Duty{{Why: "a", Do: old.do}}, short, slog.New(log)))
	t.Cleanup(proceed)
	<-looked
	eventually(t, "the lease has run out", func() bool {
		return w.number(t, "SELECT until FROM watch") < database.Micros(w.now(t))
	})
	run(t, waitlist.New(w.db, nowhere, []waitlist.Duty{{Why: "a", Do: next.do}}, waitlist.Config{Owner: "next", LeaseTTL: time.Hour, Every: time.Millisecond}, quiet()))
	lease := "SELECT COUNT(*) FROM watch WHERE owner = 'next'"
	eventually(t, "the lease has passed on", func() bool { return w.number(t, lease) == 1 })
	eventually(t, "the next has seen to it", func() bool { return len(next.done()) == 1 })
	proceed()
	eventually(t, "the old one has noticed", func() bool { return log.n.Load() == 1 })
	if got := w.number(t, "SELECT COUNT(*) FROM straggler") + w.number(t, "SELECT walked FROM watch"); len(old.done()) != 0 || got != 0 {
		t.Errorf("who had lost the lease saw to %v and walked on", old.done())
	}
	if w.number(t, lease) != 1 {
		t.Error("who had lost the lease gave it away")
	}
}

// However many rows wait, one round sees to one batch of those that are in no
// hurry, and what is urgent is not behind them.
func TestAHundredThousandWait(t *testing.T) {
	const waiting, batch = 100_000, 500
	w, urgent := newWorld(t), &duty{}
	now := w.now(t)
	ids, questions := make([]int64, waiting), make([]question, waiting)
	for i := range ids {
		ids[i] = idAt(now.Add(-time.Hour), int64(i))
		questions[i] = question{id: ids[i], since: now.Add(-5 * time.Minute)}
	}
	w.put(t, questions...)
	w.enlist(t, waitlist.Nudge, now, ids...)
	n := w.nudger(2 * time.Minute)
	duties := []waitlist.Duty{n.Duty(), {Why: "urgent", Do: urgent.do, Urgent: true}}
	w.enlist(t, "urgent", now, 7)
	run(t, waitlist.New(w.db, nowhere, duties, quick(batch), quiet()))
	var before int
	eventually(t, "the urgent one is seen to", func() bool {
		before = len(w.all())
		return len(urgent.done()) == 1
	})
	if before > batch {
		t.Errorf("%d were asked for before what is urgent", before)
	}
	eventually(t, "ten rounds are done", func() bool { return len(w.all()) >= 10*batch })
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[int64]bool{}
	for _, ids := range w.asked {
		for _, id := range ids {
			if seen[id] || len(ids) > batch {
				t.Fatalf("%d of %d in one transaction, asked for before: %t", id, len(ids), seen[id])
			}
			seen[id] = true
		}
	}
}

// A stretch ends at its limit or before the bound, and is nothing where no row is.
func TestExtent(t *testing.T) {
	w := newWorld(t)
	for id := range int64(6) {
		w.put(t, question{id: 10 * (id + 1), answered: true})
	}
	for _, test := range []struct {
		after, before int64
		limit         int
		want          waitlist.Stretch
	}{
		{0, 100, 4, waitlist.Stretch{Rows: 4, Last: 40}},
		{40, 100, 4, waitlist.Stretch{Rows: 2, Last: 60}},
		{10, 40, 4, waitlist.Stretch{Rows: 2, Last: 30}},
		{60, 100, 4, waitlist.Stretch{}},
	} {
		w.inTx(t, func(ctx context.Context, tx *database.Tx) error {
			got, err := waitlist.Extent(ctx, tx, "question", "id", test.after, test.before, test.limit)
			if got.Rows != test.want.Rows || got.Last != test.want.Last || len(got.Waiting) != 0 {
				t.Errorf("Extent(%d, %d, %d) = %+v, want %+v", test.after, test.before, test.limit, got, test.want)
			}
			return err
		})
	}
}
