package saga_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/saga"
	"souk.example/pkg/telemetry"
)

// TestModel runs sagas of any shape through crashes, failures, lost, late and
// repeated messages and timeouts. Afterwards everything is calm, and every saga
// must end, with effects that fit its end.
func TestModel(t *testing.T) {
	home, away := databasetest.Open(t, saga.Migrations()), databasetest.Open(t, saga.BarrierMigrations())
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		w := newWorld(rt, fmt.Sprint(n), home, away)
		w.inTx(home, func(ctx context.Context, tx *database.Tx) error {
			_, err := w.engine.Start(ctx, tx, w.id, w.id, nil)
			return err
		})
		for range rapid.IntRange(0, 40).Draw(rt, "length") {
			w.disturb()
		}
		end := w.calm()
		w.judge(end)
		applied := slices.Clone(w.journal)
		w.bag = w.sent // once more, everything that was ever said
		w.deliverAll()
		w.round()
		if again := w.show(); again.Status != end.Status || !slices.Equal(w.journal, applied) {
			rt.Fatalf("late messages made %s %v of %s %v", again.Status, w.journal, end.Status, applied)
		}
	})
}

// plan is one step as it was drawn.
type plan struct{ remote, undo, refuses bool }

// fate is what happens to a transaction.
type fate int

const (
	stands fate = iota
	failsEarly
	failsLate // all is written, and then rolled back
	crashes
)

// letter is a command to a participant, or its reply.
type letter struct {
	saga.Reply
	command bool
}

// world is a saga, its participants and the messages between them.
type world struct {
	t          *rapid.T
	id         string
	home, away *database.DB
	engine     *saga.Engine
	plans      []plan
	pivot      int // -1: none
	bag, sent  []letter
	fates      []fate   // of the steps to come; then they stand
	journal    []string // effects that stand
}

func newWorld(t *rapid.T, id string, home, away *database.DB) *world {
	w := &world{t: t, id: id, home: home, away: away}
	steps := rapid.IntRange(1, 4).Draw(t, "steps")
	w.pivot = rapid.IntRange(-1, steps-1).Draw(t, "pivot")
	for i := range steps {
		w.plans = append(w.plans, plan{
			remote:  rapid.Bool().Draw(t, "remote"),
			undo:    w.undoable(i) && rapid.IntRange(0, 3).Draw(t, "undo") > 0,
			refuses: rapid.IntRange(0, 4).Draw(t, "refuses") == 0,
		})
	}
	w.restart()
	return w
}

// harmless reports whether the effect of step i may stand whatever the end.
func (w *world) harmless(i int) bool { return w.undoable(i) && !w.plans[i].undo }

func (w *world) undoable(i int) bool { return w.pivot < 0 || i < w.pivot }

// restart is a new process: nothing lives on but the database.
func (w *world) restart() {
	d := saga.Definition{Type: w.id}
	for i, p := range w.plans {
		step := saga.Step{Name: fmt.Sprint(i), Do: w.carryOut(p)}
		if p.undo {
			step.Undo = w.carryOut(p)
		}
		d.Steps = append(d.Steps, step)
	}
	if w.pivot >= 0 {
		d.Pivot = fmt.Sprint(w.pivot)
	}
	engine, err := saga.New(w.home, saga.Config{Attempts: 2}, telemetry.Nop(), d)
	if err != nil {
		w.t.Fatal(err)
	}
	w.engine = engine
}

// carryOut is a step, which has the next fate. rapid is not asked for it here:
// its own panics would end in the transaction.
func (w *world) carryOut(p plan) saga.Func {
	return func(_ context.Context, tx *database.Tx, c saga.Call) (saga.Progress, error) {
		var f fate
		if len(w.fates) > 0 {
			f, w.fates = w.fates[0], w.fates[1:]
		}
		switch {
		case f == failsEarly:
			return saga.Done, errors.New("failed")
		case !p.remote && p.refuses && c.Op == saga.Action:
			return saga.Done, saga.Refuse("local no")
		case p.remote:
			tx.OnCommit(func() { w.send(letter{saga.Reply{Saga: w.id, Step: c.Step, Op: c.Op}, true}) })
		default:
			tx.OnCommit(func() { w.note(c.Op, c.Step) })
		}
		switch f {
		case failsLate:
			return saga.Done, errors.New("failed")
		case crashes:
			panic("crash")
		}
		return map[bool]saga.Progress{true: saga.Waiting, false: saga.Done}[p.remote], nil
	}
}

func (w *world) send(l letter) { w.bag, w.sent = append(w.bag, l), append(w.sent, l) }

func (w *world) note(op saga.Op, step string) {
	if !w.harmless(index(step)) {
		w.journal = append(w.journal, word(op)+" "+step)
	}
}

// disturb does one thing of all that may happen.
func (w *world) disturb() {
	switch rapid.SampledFrom([]string{"round", "round", "deliver", "deliver", "deliver", "pass", "restart", "retry"}).Draw(w.t, "what") {
	case "round":
		w.fates = rapid.SliceOfN(rapid.SampledFrom([]fate{stands, stands, failsEarly, failsLate, crashes}), 0, 4).Draw(w.t, "fates")
		w.round()
	case "deliver":
		w.deliverOne()
	case "pass":
		w.pass()
	case "restart":
		w.restart()
	case "retry":
		w.retry()
	}
}

// deliverOne delivers any message, or loses it; it may come again.
func (w *world) deliverOne() {
	if len(w.bag) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.bag)-1).Draw(w.t, "letter")
	l := w.bag[i]
	how := rapid.SampledFrom([]string{"once", "twice", "kept", "lost", "crash"}).Draw(w.t, "how")
	if how != "kept" && how != "crash" {
		w.bag = slices.Delete(w.bag, i, i+1)
	}
	switch how {
	case "twice":
		w.deliver(l, stands)
		w.deliver(l, stands)
	case "once", "kept":
		w.deliver(l, stands)
	case "crash":
		w.deliver(l, crashes)
	}
}

func (w *world) deliverAll() {
	for len(w.bag) > 0 {
		l := w.bag[0]
		w.bag = w.bag[1:]
		w.deliver(l, stands)
	}
}

// deliver has the receiver apply a message in one transaction.
func (w *world) deliver(l letter, f fate) {
	apply, db := w.signal, w.home
	if l.command {
		apply, db = w.participate, w.away
	}
	crash := errors.New("crash")
	err := db.InTx(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		if err := apply(ctx, tx, l); err != nil || f == stands {
			return err
		}
		return crash
	})
	if err != nil && !errors.Is(err, crash) {
		w.t.Fatal(err)
	}
}

func (w *world) signal(ctx context.Context, tx *database.Tx, l letter) error {
	_, err := w.engine.Signal(ctx, tx, l.Reply)
	return err
}

// participate is a participant: it answers the same however often it is asked.
func (w *world) participate(ctx context.Context, tx *database.Tx, l letter) error {
	reply := l.Reply
	if w.plans[index(l.Step)].refuses && l.Op == saga.Action {
		reply.Refused = "remote no"
	} else {
		carryOut, err := saga.Barrier(ctx, tx, l.Saga, l.Step, l.Op)
		if err != nil {
			return err
		}
		if carryOut {
			tx.OnCommit(func() { w.note(l.Op, l.Step) })
		}
	}
	tx.OnCommit(func() { w.reply(letter{Reply: reply}) })
	return nil
}

// reply is sent, but what is said again after the end is not kept for ever.
func (w *world) reply(l letter) {
	if len(w.sent) < 500 {
		w.send(l)
	}
}

func index(step string) (i int) {
	_, _ = fmt.Sscan(step, &i)
	return i
}

func (w *world) inTx(db *database.DB, fn func(context.Context, *database.Tx) error) {
	if err := db.InTx(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) round() {
	if err := w.engine.Round(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.fates = nil
}

// pass ends the saga's wait.
func (w *world) pass() {
	if _, err := w.home.Exec(context.Background(), "UPDATE saga SET due = 0 WHERE id = ?", w.id); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) show() saga.Saga {
	s, _, err := saga.NewOperator(w.home).Show(context.Background(), w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) retry() {
	if s := w.show(); s.Status == saga.Stuck {
		if err := saga.NewOperator(w.home).Retry(context.Background(), w.id, s.Version); err != nil {
			w.t.Fatal(err)
		}
	}
}
