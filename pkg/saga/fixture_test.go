package saga_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/saga"
	"souk.example/pkg/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// attempts is how often the engines of these tests try an op.
const attempts = 3

// stage is a database with an engine whose steps write down what they are
// called for, such as "do a", once that stands.
type stage struct {
	t      testing.TB
	db     *database.DB
	engine *saga.Engine
	op     *saga.Operator
	tele   *telemetry.Telemetry

	mu     sync.Mutex
	called []string
}

func newStage(t testing.TB, d saga.Definition) *stage {
	t.Helper()
	s := &stage{t: t, db: databasetest.Open(t, saga.Migrations()), tele: telemetry.Nop()}
	s.op = saga.NewOperator(s.db)
	s.engine = s.newEngine(d)
	return s
}

// newEngine is another process with the same definition.
func (s *stage) newEngine(d saga.Definition) *saga.Engine {
	s.t.Helper()
	d.Type, d.Steps = "trip", slices.Clone(d.Steps)
	for i, step := range d.Steps {
		d.Steps[i].Do = s.heard(step.Do)
		if step.Undo != nil {
			d.Steps[i].Undo = s.heard(step.Undo)
		}
	}
	e, err := saga.New(s.db, saga.Config{Attempts: attempts}, s.tele, d)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

func (s *stage) heard(f saga.Func) saga.Func {
	return func(ctx context.Context, tx *database.Tx, c saga.Call) (saga.Progress, error) {
		tx.OnCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.called = append(s.called, word(c.Op)+" "+c.Step)
		})
		return f(ctx, tx, c)
	}
}

func word(op saga.Op) string {
	if op == saga.Compensation {
		return "undo"
	}
	return "do"
}

func (s *stage) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.called)
}

// inTx runs fn in a transaction that must stand.
func (s *stage) inTx(fn func(ctx context.Context, tx *database.Tx) error) {
	s.t.Helper()
	if err := s.db.InTx(s.t.Context(), fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) start(id string) (started bool) {
	s.t.Helper()
	s.inTx(func(ctx context.Context, tx *database.Tx) (err error) {
		started, err = s.engine.Start(ctx, tx, "trip", id, []byte("to "+id))
		return err
	})
	return started
}

// signal replies to a call such as "do a".
func (s *stage) signal(id, call, refused string) (goesOn bool) {
	s.t.Helper()
	r := saga.Reply{Saga: id, Op: saga.Action, Refused: refused}
	verb, step, _ := strings.Cut(call, " ")
	if r.Step = step; verb == "undo" {
		r.Op = saga.Compensation
	}
	s.inTx(func(ctx context.Context, tx *database.Tx) (err error) {
		goesOn, err = s.engine.Signal(ctx, tx, r)
		return err
	})
	return goesOn
}

func (s *stage) round() {
	s.t.Helper()
	if err := s.engine.Round(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// pass ends every wait.
func (s *stage) pass() {
	s.t.Helper()
	if _, err := s.db.Exec(s.t.Context(), "UPDATE saga SET due = 0"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) show(id string) (saga.Saga, []saga.StepRecord) {
	s.t.Helper()
	found, records, err := s.op.Show(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return found, records
}

// play runs a saga to its end, replying as replies has it: a call without an
// entry is done, one with "silence" gets no reply, any other text refuses.
func (s *stage) play(id string, replies map[string]string) saga.Saga {
	s.t.Helper()
	for replied := 0; ; {
		s.round()
		calls := s.calls()
		for ; replied < len(calls); replied++ {
			if r := replies[calls[replied]]; r != silence {
				s.signal(id, calls[replied], r)
			}
		}
		found, _ := s.show(id)
		if found.Status != saga.Running {
			return found
		}
		if len(calls) > 100 {
			s.t.Fatal("the saga does not end: ", calls)
		}
		s.pass()
	}
}

const silence = "silence"

func waits(context.Context, *database.Tx, saga.Call) (saga.Progress, error) {
	return saga.Waiting, nil
}

func atOnce(context.Context, *database.Tx, saga.Call) (saga.Progress, error) { return saga.Done, nil }

func fails(_ context.Context, _ *database.Tx, c saga.Call) (saga.Progress, error) {
	return saga.Done, fmt.Errorf("attempt %d failed", c.Attempt)
}

func panics(context.Context, *database.Tx, saga.Call) (saga.Progress, error) { panic("bug") }

func refuses(context.Context, *database.Tx, saga.Call) (saga.Progress, error) {
	return saga.Waiting, saga.Refuse("no seat")
}

func waitsThenRefuses(_ context.Context, _ *database.Tx, c saga.Call) (saga.Progress, error) {
	if c.Attempt == 1 {
		return saga.Waiting, nil
	}
	return saga.Waiting, saga.Refuse("too late")
}

// abc are three steps that wait for their replies; those before pivot can be
// undone.
func abc(pivot string) saga.Definition {
	d := saga.Definition{Pivot: pivot}
	for _, name := range []string{"a", "b", "c"} {
		step := saga.Step{Name: name, Do: waits}
		if pivot == "" || name < pivot {
			step.Undo = waits
		}
		d.Steps = append(d.Steps, step)
	}
	return d
}
