package waitlist_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/waitlist"
)

// Who has waited long enough asks, and asks again when twice as much time has
// passed, ten minutes later at most.
func TestWhenItIsAskedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		after, waited time.Duration
		asks          bool
		next          time.Duration // from now on
	}{
		"not yet":          {after: 2 * time.Minute, waited: 30 * time.Second, next: 90 * time.Second},
		"at last":          {after: 2 * time.Minute, waited: 2 * time.Minute, asks: true, next: 2 * time.Minute},
		"for the third":    {after: 2 * time.Minute, waited: 8 * time.Minute, asks: true, next: 8 * time.Minute},
		"for hours":        {after: 2 * time.Minute, waited: 5 * time.Hour, asks: true, next: 10 * time.Minute},
		"with patience":    {after: time.Hour, waited: 5 * time.Hour, asks: true, next: time.Hour},
		"from 1970":        {after: 2 * time.Minute, waited: 1 << 60, asks: true, next: 10 * time.Minute},
		"from a bit later": {after: 2 * time.Minute, waited: -time.Minute, next: 3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			now := w.now(t)
			w.put(t, question{id: 1, since: now.Add(-tc.waited)})
			again := w.nudge(t, w.nudger(tc.after), 1)
			late := w.now(t).Sub(now) // how much later it was looked at
			if len(again) != 1 || again[0].ID != 1 || again[0].Why != waitlist.Nudge || (len(w.all()) == 1) != tc.asks {
				t.Fatalf("listed %+v, asked for %v", again, w.all())
			}
			if early, last := now.Add(tc.next), now.Add(tc.next+2*late); again[0].Due.Before(early) || again[0].Due.After(last) {
				t.Errorf("next after %s, want %s", again[0].Due.Sub(now), tc.next)
			}
		})
	}
}

// Nobody is asked for what is answered or is not there.
func TestAnsweredQuestionsAreNotAsked(t *testing.T) {
	w := newWorld(t)
	w.put(t, question{id: 1, answered: true})
	if again := w.nudge(t, w.nudger(time.Minute), 1, 2); len(again) != 0 || len(w.all()) != 0 {
		t.Errorf("listed %+v, asked for %v", again, w.all())
	}
}

// nudge has the duty see to ids, as the Watcher does.
func (w *world) nudge(t *testing.T, n waitlist.Nudger[int64, question], ids ...int64) (again []waitlist.Entry) {
	t.Helper()
	w.inTx(t, func(ctx context.Context, tx *database.Tx) (err error) {
		again, err = n.Duty().Do(ctx, tx, ids)
		return err
	})
	return again
}

// The walk finds those who wait, past every row once; a transaction that
// commits behind it lists its rows itself.
func TestTheWalkMissesNobody(t *testing.T) {
	for _, batch := range []int{1, 500} {
		w := newWorld(t)
		now := w.now(t)
		old := now.Add(-10 * time.Minute)
		w.put(t, question{id: idAt(old, 1), since: old}, question{id: idAt(old, 2), since: old, answered: true},
			question{id: idAt(old, 3), since: old}, question{id: idAt(now, 4), since: old})
		n := w.nudger(2 * time.Minute)
		run(t, waitlist.New(w.db, w.walk(n), []waitlist.Duty{n.Duty()}, quick(batch), quiet()))
		eventually(t, "the walk has passed", func() bool { return w.number(t, "SELECT walked FROM watch") == idAt(old, 3) })
		late, young := idAt(now.Add(-2*time.Minute), 5), idAt(now, 6)
		w.put(t, question{id: late, since: old}, question{id: young, since: old})
		w.inTx(t, func(ctx context.Context, tx *database.Tx) error {
			return waitlist.EnlistLate(ctx, tx, []waitlist.Entry{n.Entry(late, old), n.Entry(young, old)})
		})
		eventually(t, "all three are asked for", func() bool { return len(w.all()) == 3 })
		if want := []int64{idAt(old, 1), idAt(old, 3), late}; !slices.Equal(w.all(), want) {
			t.Errorf("batches of %d: asked for %v, want %v", batch, w.all(), want)
		}
	}
}
