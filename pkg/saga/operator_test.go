package saga_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"souk.example/pkg/saga"
)

// stuckAtPivot is a saga whose pivot has had no reply.
func stuckAtPivot(t *testing.T) (*stage, saga.Saga) {
	s := newStage(t, abc("b"))
	s.start("1")
	return s, s.play("1", map[string]string{"do b": silence})
}

func TestRetryHasAllAttempts(t *testing.T) {
	s, before := stuckAtPivot(t)
	if err := s.op.Retry(t.Context(), "1", before.Version); err != nil {
		t.Fatal(err)
	}
	s.play("1", map[string]string{"do b": silence})
	if calls := s.calls(); !slices.Equal(calls[1:], slices.Repeat([]string{"do b"}, 2*attempts)) {
		t.Errorf("%v", calls)
	}
}

func TestSkipGoesOnAndKeepsTheReason(t *testing.T) {
	s, before := stuckAtPivot(t)
	if err := s.op.Skip(t.Context(), "1", before.Version, "refunded by hand"); err != nil {
		t.Fatal(err)
	}
	s.round()
	if got, _ := s.show("1"); got.Step != "c" || got.LastError != "" {
		t.Errorf("%+v", got)
	}
	if got := s.play("1", nil); got.Status != saga.Completed {
		t.Errorf("%+v", got)
	}
	_, records := s.show("1")
	if r := records[1]; r.Step != "b" || r.Status != saga.StepSkipped || r.Error != "refunded by hand" || r.EndedAt.Before(r.StartedAt) {
		t.Errorf("%+v", r)
	}
}

func TestOperatorIsGuarded(t *testing.T) {
	s, stuck := stuckAtPivot(t)
	s.start("2")
	s.round()
	running, _ := s.show("2")
	for name, test := range map[string]struct {
		got, want error
	}{
		"retry of an old version": {s.op.Retry(t.Context(), "1", stuck.Version-1), saga.ErrChanged},
		"skip of an old version":  {s.op.Skip(t.Context(), "1", stuck.Version-1, "why"), saga.ErrChanged},
		"skip without a reason":   {s.op.Skip(t.Context(), "1", stuck.Version, " "), saga.ErrNoReason},
		"retry of a running one":  {s.op.Retry(t.Context(), "2", running.Version), saga.ErrNotStuck},
		"skip of a running one":   {s.op.Skip(t.Context(), "2", running.Version, "why"), saga.ErrNotStuck},
		"retry of none":           {s.op.Retry(t.Context(), "3", 1), saga.ErrNoSaga},
	} {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
	if again, _ := s.show("1"); again.Version != stuck.Version {
		t.Error("what was refused changed the saga")
	}
}

func TestList(t *testing.T) {
	s, _ := stuckAtPivot(t)
	s.start("2")
	s.play("2", nil)
	s.start("3")
	for _, test := range []struct {
		name string
		f    saga.Filter
		want string
	}{
		{"what has not ended", saga.Filter{}, "1 3"},
		{"stuck", saga.Filter{Status: saga.Stuck}, "1"},
		{"ended", saga.Filter{Status: saga.Completed, Type: "trip"}, "2"},
		{"another type", saga.Filter{Type: "voyage"}, ""},
		{"some", saga.Filter{Limit: 1}, "1"},
	} {
		found, err := s.op.List(t.Context(), test.f)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, f := range found {
			ids = append(ids, f.ID)
		}
		if got := strings.Join(ids, " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestShow(t *testing.T) {
	s := newStage(t, abc(""))
	s.start("1")
	s.play("1", map[string]string{"do b": "no seat"})
	_, records := s.show("1")
	var got []string
	for _, r := range records {
		got = append(got, strings.TrimSpace(word(r.Op)+" "+r.Step+" "+string(r.Status)+" "+r.Error))
		if r.EndedAt.IsZero() || r.EndedAt.Before(r.StartedAt) {
			t.Errorf("%s ended %v after it started", r.Step, r.EndedAt.Sub(r.StartedAt))
		}
	}
	if want := []string{"do a DONE", "do b REFUSED no seat", "undo a DONE"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
