package saga

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"souk.example/pkg/database"
)

// course decides which way a saga that is due goes, in memory; change stores it.
type course struct {
	*Definition
	cfg Config
	in  *instance
	now time.Time
}

// op is the op in hand; no Func if the definition has no such op any more.
func (c course) op() (Step, Func) {
	i := c.index(c.in.Step)
	switch {
	case i < 0:
		return Step{}, nil
	case c.in.Op == Compensation:
		return c.Steps[i], c.Steps[i].Undo
	default:
		return c.Steps[i], c.Steps[i].Do
	}
}

// settle moves the saga on when the op in hand has been answered.
func (c course) settle() {
	r := c.in.inHand()
	switch {
	case c.in.Status != Running || c.index(c.in.Step) < 0:
	case r.Status == StepDone, r.Status == StepSkipped:
		c.moveOn()
	case r.Status == StepRefused:
		c.turnBack(r.Error)
	}
}

// mayRefuse reports whether an op may be refused, which turns the saga back.
func (c course) mayRefuse(step string, op Op) bool {
	return op == Action && c.upToPivot(c.index(step))
}

// answer takes down a reply, which is a fact even if the saga has given up
// waiting for it, and reports whether the saga goes on with it.
func (c course) answer(r Reply) (goesOn bool) {
	waitedFor := r.Step == c.in.Step && r.Op == c.in.Op && (c.in.Status == Running || c.in.Status == Stuck)
	switch {
	case r.Refused == "":
		c.in.note(r.Step, r.Op, StepDone, "", c.now)
	case c.mayRefuse(r.Step, r.Op):
		c.in.note(r.Step, r.Op, StepRefused, r.Refused, c.now)
	default:
		c.in.note(r.Step, r.Op, StepIssued, r.Refused, c.now)
		if waitedFor && c.in.Status == Running {
			c.putOff(r.Refused)
		}
		return false
	}
	if waitedFor {
		c.in.Status, c.in.Due = Running, atOnce
	}
	return waitedFor
}

// putOff has the op in hand wait before it is tried again.
func (c course) putOff(why string) {
	c.in.LastError = clip(why)
	c.in.Due = c.now.Add(c.cfg.wait(c.cfg.Backoff, c.in.Attempts))
}

// moveOn takes the next op: the next step's action, or, on the way back, the
// compensation before.
func (c course) moveOn() {
	i := c.index(c.in.Step)
	switch {
	case c.in.Op == Compensation:
		c.undoFrom(i - 1)
	case i == len(c.Steps)-1:
		c.in.Status, c.in.LastError = Completed, ""
	default:
		c.in.LastError = ""
		c.in.take(c.Steps[i+1].Name, Action)
	}
}

// turnBack begins to undo, with the step in hand if that may have had an effect.
func (c course) turnBack(why string) {
	c.in.LastError = clip(why)
	c.undoFrom(c.index(c.in.Step))
}

// undoFrom takes the compensation of the last step up to i that may have had an
// effect; without any, the saga has ended.
func (c course) undoFrom(i int) {
	for ; i >= 0; i-- {
		if s := c.Steps[i]; s.Undo != nil && mayHaveEffect(c.in.record(s.Name, Action)) {
			c.in.take(s.Name, Compensation)
			return
		}
	}
	c.in.Status = Compensated
}

func mayHaveEffect(r StepRecord) bool {
	return r.Status == StepIssued || r.Status == StepDone || r.Status == StepSkipped
}

// giveUp ends the attempts at the op in hand. Before the pivot the way back is
// safe whether it took place or not; from the pivot on nobody can tell which way
// is right.
func (c course) giveUp() {
	why := fmt.Sprintf("gave up after %d attempts: %s", c.in.Attempts, c.in.LastError)
	if i := c.index(c.in.Step); c.in.Op == Action && i >= 0 && c.beforePivot(i) {
		c.turnBack(why)
		return
	}
	c.stuck(why)
}

func (c course) stuck(why string) { c.in.Status, c.in.LastError = Stuck, clip(why) }

// carryOut does what a due saga is due for, and takes it down.
func (c course) carryOut(ctx context.Context, tx *database.Tx) (attempt, error) {
	c.settle()
	late := c.late()
	step, do := c.op()
	switch {
	case !c.in.isDue(c.now):
		return attempt{}, nil
	case c.in.Attempts >= c.cfg.Attempts:
		c.giveUp()
		return attempt{}, nil
	case do == nil: // in this build; another process may have it
		return attempt{}, fmt.Errorf("sagas of type %s have no %s of a step %q", c.Type, c.in.Op, c.in.Step)
	}
	c.in.Attempts++
	made := attempt{step.Name, c.in.Op, resultWaiting}
	p, err := do(ctx, tx, c.call())
	switch {
	case err != nil:
		return attempt{}, err
	case p == Done:
		made.result = resultDone
		c.in.note(step.Name, c.in.Op, StepDone, "", c.now)
		c.settle()
	default:
		if late {
			made.result = resultReissued
		}
		c.in.note(step.Name, c.in.Op, StepIssued, "", c.now)
		c.in.Due = c.now.Add(c.cfg.wait(cmp.Or(step.Timeout, c.cfg.Timeout), c.in.Attempts))
	}
	return made, nil
}

func (c course) call() Call {
	return Call{Saga: c.in.ID, Type: c.in.Type, Step: c.in.Step, Op: c.in.Op, Attempt: c.in.Attempts, Data: c.in.Data}
}

// failed takes down an attempt that was rolled back. It can refuse only if none
// before it was committed: then a command is under way, and only the reply to
// that knows.
func (c course) failed(err error) attempt {
	c.settle() // what the attempt had settled was rolled back with it
	made := attempt{c.in.Step, c.in.Op, resultFailed}
	status := cmp.Or(c.in.inHand().Status, StepFailed)
	if _, no := errors.AsType[*refusal](err); no && c.mayRefuse(c.in.Step, c.in.Op) && status == StepFailed {
		made.result = resultRefused
		c.in.note(c.in.Step, c.in.Op, StepRefused, err.Error(), c.now)
		c.settle()
		return made
	}
	c.in.note(c.in.Step, c.in.Op, status, err.Error(), c.now)
	c.in.Attempts++
	c.putOff(err.Error())
	return made
}

// late reports whether the op in hand is due because its reply did not come in
// time, and takes that down.
func (c course) late() bool {
	r := c.in.inHand()
	if !c.in.isDue(c.now) || r.Status != StepIssued || r.Error != "" {
		return false
	}
	c.in.LastError = "no reply in time"
	return true
}
