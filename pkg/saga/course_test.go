package saga_test

import (
	"strings"
	"testing"

	"souk.example/pkg/saga"
	"souk.example/pkg/telemetry"
)

// with replaces an action of abc.
func with(d saga.Definition, step string, do saga.Func) saga.Definition {
	for i := range d.Steps {
		if d.Steps[i].Name == step {
			d.Steps[i].Do = do
		}
	}
	return d
}

func withUndo(d saga.Definition, step string, undo saga.Func) saga.Definition {
	for i := range d.Steps {
		if d.Steps[i].Name == step {
			d.Steps[i].Undo = undo
		}
	}
	return d
}

func TestCourse(t *testing.T) {
	for _, test := range []struct {
		name    string
		def     saga.Definition
		replies map[string]string
		calls   string
		status  saga.Status
		why     string
	}{
		{"all done", abc("b"), nil, "do a, do b, do c", saga.Completed, ""},
		{"all done at once", with(with(with(abc(""), "a", atOnce), "b", atOnce), "c", atOnce), nil, "do a, do b, do c", saga.Completed, ""},
		{"the first refuses", abc(""), map[string]string{"do a": "no"}, "do a", saga.Compensated, "no"},
		{"the last refuses", abc(""), map[string]string{"do c": "no"}, "do a, do b, do c, undo b, undo a", saga.Compensated, "no"},
		{"refused at once", with(abc(""), "c", refuses), nil, "do a, do b, undo b, undo a", saga.Compensated, "refused: no seat"},
		{"nothing to undo", withUndo(abc(""), "a", nil), map[string]string{"do c": "no"}, "do a, do b, do c, undo b", saga.Compensated, "no"},
		{"undone at once", withUndo(abc(""), "b", atOnce), map[string]string{"do c": "no"}, "do a, do b, do c, undo b, undo a", saga.Compensated, "no"},
		{"silence is undone too", abc("c"), map[string]string{"do b": silence}, "do a, do b, do b, do b, undo b, undo a", saga.Compensated, "gave up after 3 attempts: no reply in time"},
		{"what failed needs no undoing", with(abc("c"), "b", fails), nil, "do a, undo a", saga.Compensated, "gave up after 3 attempts: attempt 3 failed"},
		{"what was asked cannot refuse unasked", with(abc("c"), "b", waitsThenRefuses), map[string]string{"do b": silence}, "do a, do b, undo b, undo a", saga.Compensated, "gave up after 3 attempts: refused: too late"},
		{"a panic fails", with(abc("c"), "b", panics), nil, "do a, undo a", saga.Compensated, "gave up after 3 attempts: transaction panicked: bug"},
		{"the pivot refuses", abc("c"), map[string]string{"do c": "no"}, "do a, do b, do c, undo b, undo a", saga.Compensated, "no"},
		{"the pivot is silent", abc("b"), map[string]string{"do b": silence}, "do a, do b, do b, do b", saga.Stuck, "gave up after 3 attempts: no reply in time"},
		{"silence after the pivot", abc("b"), map[string]string{"do c": silence}, "do a, do b, do c, do c, do c", saga.Stuck, "gave up after 3 attempts: no reply in time"},
		{"refused after the pivot", abc("b"), map[string]string{"do c": "no"}, "do a, do b, do c, do c, do c", saga.Stuck, "gave up after 3 attempts: no"},
		{"refused at once after the pivot", with(abc("b"), "c", refuses), nil, "do a, do b", saga.Stuck, "gave up after 3 attempts: refused: no seat"},
		{"a compensation is silent", abc(""), map[string]string{"do c": "no", "undo b": silence}, "do a, do b, do c, undo b, undo b, undo b", saga.Stuck, "gave up after 3 attempts: no reply in time"},
		{"a compensation refuses", abc(""), map[string]string{"do b": "no", "undo a": "never"}, "do a, do b, undo a, undo a, undo a", saga.Stuck, "gave up after 3 attempts: never"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, test.def)
			s.start("1")
			got := s.play("1", test.replies)
			why, _, _ := strings.Cut(got.LastError, "\n") // a panic's stack follows
			if calls := strings.Join(s.calls(), ", "); calls != test.calls || got.Status != test.status || why != test.why {
				t.Errorf("%s %q after %s\nwant %s %q after %s", got.Status, why, calls, test.status, test.why, test.calls)
			}
		})
	}
}

func TestBadDefinitions(t *testing.T) {
	a := saga.Step{Name: "a", Do: atOnce}
	for name, d := range map[string]saga.Definition{
		"no type":                    {Steps: []saga.Step{a}},
		"no steps":                   {Type: "trip"},
		"no name":                    {Type: "trip", Steps: []saga.Step{{Do: atOnce}}},
		"a name twice":               {Type: "trip", Steps: []saga.Step{a, a}},
		"a long name":                {Type: "trip", Steps: []saga.Step{{Name: strings.Repeat("x", 65), Do: atOnce}}},
		"nothing to do":              {Type: "trip", Steps: []saga.Step{{Name: "a"}}},
		"no such pivot":              {Type: "trip", Steps: []saga.Step{a}, Pivot: "b"},
		"a pivot that can be undone": {Type: "trip", Steps: []saga.Step{{Name: "a", Do: atOnce, Undo: atOnce}}, Pivot: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := saga.New(nil, saga.Config{}, telemetry.Nop(), d); err == nil {
				t.Error("New() = nil error")
			}
		})
	}
}
