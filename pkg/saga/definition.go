package saga

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"souk.example/pkg/database"
)

// Definition is one kind of saga. Its type and the names of its steps stand in
// the database: give changed steps another Type, and keep the old definition
// until its sagas have ended.
type Definition struct {
	Type  string // at most 64 bytes
	Steps []Step
	// Pivot names the step after which there is only forward. None: everything
	// can be undone until the last step is done.
	Pivot string
}

// Step is one step of a saga.
type Step struct {
	Name string // at most 64 bytes
	Do   Func
	Undo Func // nil: what it does may stand, and may even come after the end
	// Timeout is how long to wait for the first reply; the wait doubles with
	// each attempt up to Config.BackoffMax. None: Config.Timeout.
	Timeout time.Duration
}

// Func carries out one op of a step in tx, together with the saga's advance;
// on an error nothing of it stands. It may run again, even after it returned
// Done: when the commit failed.
type Func func(ctx context.Context, tx *database.Tx, c Call) (Progress, error)

// Call says what a Func is called for.
type Call struct {
	Saga    string
	Type    string
	Step    string
	Op      Op
	Attempt int    // from 1
	Data    []byte // as given to Start
}

// Op is one of the two things that can be done with a step.
type Op string

const (
	Action       Op = "action"
	Compensation Op = "compensation"
)

// Progress is how far a Func has come.
type Progress uint8

const (
	Waiting Progress = iota // for a Signal
	Done
)

// Refuse is what an action returns that is not to be: it has had no effect and
// never will.
func Refuse(reason string) error { return &refusal{reason} }

type refusal struct{ reason string }

func (r *refusal) Error() string { return "refused: " + r.reason }

func (d *Definition) validate() error {
	if !isName(d.Type) || len(d.Steps) == 0 {
		return fmt.Errorf("saga %q needs a type of at most 64 bytes, and steps", d.Type)
	}
	if d.Pivot != "" && d.index(d.Pivot) < 0 {
		return fmt.Errorf("saga %s has no step %q to be its pivot", d.Type, d.Pivot)
	}
	for i, s := range d.Steps {
		if err := d.validateStep(i, s); err != nil {
			return fmt.Errorf("saga %s, step %q: %w", d.Type, s.Name, err)
		}
	}
	return nil
}

func (d *Definition) validateStep(i int, s Step) error {
	switch {
	case !isName(s.Name) || d.index(s.Name) != i:
		return errors.New("its name must be its own, and have at most 64 bytes")
	case s.Do == nil || s.Timeout < 0:
		return errors.New("it needs Do, and no negative Timeout")
	case s.Undo != nil && !d.beforePivot(i):
		return errors.New("nothing is undone from the pivot on")
	}
	return nil
}

func isName(s string) bool { return s != "" && len(s) <= 64 }

func (d *Definition) index(step string) int {
	return slices.IndexFunc(d.Steps, func(s Step) bool { return s.Name == step })
}

// upToPivot reports whether step i, if it is refused, leaves the way back open.
func (d *Definition) upToPivot(i int) bool { return d.Pivot == "" || i <= d.index(d.Pivot) }

// beforePivot reports whether the way back is open even if step i took place.
func (d *Definition) beforePivot(i int) bool { return d.Pivot == "" || i < d.index(d.Pivot) }
