package saga_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/saga"
)

func TestStartCountsOnce(t *testing.T) {
	s := newStage(t, abc(""))
	if !s.start("1") || s.start("1") {
		t.Error("Start() does not tell a first start from a second")
	}
	s.round()
	if s.start("1") || !slices.Equal(s.calls(), []string{"do a"}) {
		t.Errorf("a second start set off %v", s.calls())
	}
	if got, _ := s.show("1"); string(got.Data) != "to 1" {
		t.Errorf("data %q", got.Data)
	}
}

func TestStartStandsWithItsTransaction(t *testing.T) {
	s, refusal := newStage(t, abc("")), errors.New("refused")
	err := s.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := s.engine.Start(ctx, tx, "trip", "1", nil)
		return errors.Join(err, refusal)
	})
	if _, _, showErr := s.op.Show(t.Context(), "1"); !errors.Is(err, refusal) || !errors.Is(showErr, saga.ErrNoSaga) {
		t.Errorf("InTx() = %v, then Show() = %v", err, showErr)
	}
}

func TestStartOfAnUnknownTypeFails(t *testing.T) {
	s := newStage(t, abc(""))
	err := s.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := s.engine.Start(ctx, tx, "voyage", "1", nil)
		return err
	})
	if err == nil {
		t.Error("Start() = nil error")
	}
}

// A step's own writes and the saga's advance are one commit.
func TestAnAttemptThatFailsLeavesNothing(t *testing.T) {
	s := newStage(t, with(abc(""), "a", func(ctx context.Context, tx *database.Tx, c saga.Call) (saga.Progress, error) {
		_, err := tx.Exec(ctx, "DELETE FROM saga")
		return saga.Done, errors.Join(err, errors.New("no"))
	}))
	s.start("1")
	s.round()
	got, records := s.show("1")
	if got.Attempts != 1 || got.LastError != "no" || len(records) != 1 || records[0].Status != saga.StepFailed {
		t.Errorf("%+v with %+v", got, records)
	}
}

func TestReplies(t *testing.T) {
	for _, test := range []struct {
		name    string
		before  func(s *stage)
		call    string
		refused string
		goesOn  bool
		record  saga.StepStatus // of the op
		where   string          // the saga is then
	}{
		{"waited for", nothing, "do b", "", true, saga.StepDone, "RUNNING do c"},
		{"refused", nothing, "do b", "no", true, saga.StepRefused, "RUNNING undo a"},
		{"again", nothing, "do a", "", false, saga.StepDone, "RUNNING do b"},
		{"again, but otherwise", nothing, "do a", "no", false, saga.StepDone, "RUNNING do b"},
		{"premature", nothing, "do c", "", false, "", "RUNNING do b"},
		{"for what was not asked", nothing, "undo b", "", false, "", "RUNNING do b"},
		{"for an action that is being undone", undoing, "do b", "", false, saga.StepDone, "RUNNING undo b"},
		{"late, to a stuck saga", stuck, "undo b", "", true, saga.StepDone, "RUNNING undo a"},
		{"a late refusal where there is no way back", stuck, "undo b", "no", false, saga.StepIssued, "STUCK undo b"},
		{"for what an operator skipped", skipped, "undo b", "", false, saga.StepSkipped, "RUNNING undo a"},
		{"after the end", ended, "do b", "", false, saga.StepDone, "COMPENSATED undo a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, abc("c"))
			s.start("1")
			s.round()
			s.signal("1", "do a", "")
			s.round()
			test.before(s)
			before := len(s.calls())
			goesOn := s.signal("1", test.call, test.refused)
			s.round()
			got, records := s.show("1")
			where := fmt.Sprint(got.Status, " ", word(got.Op), " ", got.Step)
			if record := recordOf(records, test.call); goesOn != test.goesOn || where != test.where || record != test.record {
				t.Errorf("goes on: %v; %s with %q, want %v; %s with %q", goesOn, where, record, test.goesOn, test.where, test.record)
			}
			if issued := len(s.calls()) > before; issued != test.goesOn {
				t.Errorf("issued something: %v, want %v", issued, test.goesOn)
			}
		})
	}
}

// recordOf finds what became of a call such as "do a".
func recordOf(records []saga.StepRecord, call string) saga.StepStatus {
	for _, r := range records {
		if word(r.Op)+" "+r.Step == call {
			return r.Status
		}
	}
	return ""
}

func nothing(*stage) {}

// undoing is where b has had no reply and is being undone.
func undoing(s *stage) {
	for range attempts {
		s.pass()
		s.round()
	}
}

func stuck(s *stage) {
	undoing(s)
	undoing(s)
}

func skipped(s *stage) {
	stuck(s)
	got, _ := s.show("1")
	if err := s.op.Skip(s.t.Context(), "1", got.Version, "by hand"); err != nil {
		s.t.Fatal(err)
	}
	s.round()
}

func ended(s *stage) {
	undoing(s)
	s.signal("1", "undo b", "")
	s.round()
	s.signal("1", "undo a", "")
	s.round()
}

// meddling is an error that has something happen when the database asks what
// kind of error it is: after the rollback.
type meddling struct{ meddle func() }

func (m meddling) Error() string { return "meddling" }
func (m meddling) As(any) bool   { m.meddle(); return false }

// Between a failure and its record another process may have the saga in hand.
func TestAFailureIsNotHeldAgainstWhatCameAfterIt(t *testing.T) {
	s := newStage(t, with(abc(""), "a", atOnce))
	once := sync.OnceFunc(func() {
		s.round() // another process does a, and begins b
		s.pass()
	})
	failing := s.newEngine(with(abc(""), "a", func(context.Context, *database.Tx, saga.Call) (saga.Progress, error) {
		return saga.Done, meddling{once}
	}))
	s.start("1")
	if err := failing.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.show("1"); got.Step != "b" || got.Attempts != 1 || got.LastError != "" {
		t.Errorf("%+v", got)
	}
}

func TestSignalToNobody(t *testing.T) {
	if newStage(t, abc("")).signal("1", "do a", "") {
		t.Error("a saga that does not exist took a reply")
	}
}

// An engine leaves sagas alone that are of another's type. One that stands at a
// step it does not know is left to others as well, but not for ever.
func TestSagasOfOtherBuilds(t *testing.T) {
	s := newStage(t, abc(""))
	s.start("1")
	s.start("2")
	s.round()
	for id, change := range map[string]string{"1": "type = 'voyage'", "2": "step = 'gone'"} {
		if _, err := s.db.Exec(t.Context(), "UPDATE saga SET due = 0, "+change+" WHERE id = ?", id); err != nil {
			t.Fatal(err)
		}
	}
	for range attempts {
		s.round()
		s.pass()
	}
	s.round()
	other, _ := s.show("1")
	lost, _ := s.show("2")
	if other.Status != saga.Running || other.Attempts != 1 || lost.Status != saga.Stuck {
		t.Errorf("another's type: %+v\nunknown step: %+v", other, lost)
	}
}
