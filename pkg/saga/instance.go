package saga

import (
	"slices"
	"strings"
	"time"

	"souk.example/pkg/database"
)

// Status is where a saga stands.
type Status string

const (
	Running     Status = "RUNNING"     // forward or, when its Op is Compensation, back
	Stuck       Status = "STUCK"       // waits for an operator, or for a late reply
	Completed   Status = "COMPLETED"   // every step is done
	Compensated Status = "COMPENSATED" // every step that may have had an effect is undone
)

// Saga is one process. Step and Op are what it has in hand, or had last.
type Saga struct {
	ID        string
	Type      string
	Step      string
	Op        Op
	Status    Status
	Version   int64     // grows with every change
	Due       time.Time // when it is looked at again; 1970 is at once
	Attempts  int       // at the op in hand
	LastError string    // why it is where it is
	Data      []byte    // as given to Start; List leaves it out
	StartedAt time.Time
	UpdatedAt time.Time
}

// StepStatus is what became of one op of a step.
type StepStatus string

const (
	StepIssued  StepStatus = "ISSUED"  // it may have had an effect, or will
	StepDone    StepStatus = "DONE"    //
	StepRefused StepStatus = "REFUSED" // it has had no effect and never will
	StepFailed  StepStatus = "FAILED"  // every attempt so far was rolled back
	StepSkipped StepStatus = "SKIPPED" // an operator has seen to it
)

// StepRecord is one op of a saga's step.
type StepRecord struct {
	Step      string
	Op        Op
	Status    StepStatus
	Error     string // of the last attempt, or the reason of a refusal or a skip
	StartedAt time.Time
	EndedAt   time.Time // zero while it waits
}

// atOnce is when a saga is due that need not wait.
var atOnce = database.Time(0)

// instance is a saga under its lock.
type instance struct {
	Saga
	records []StepRecord
	changed map[int]bool // of records, by index
}

// record returns what became of an op; zero if it was not begun.
func (in *instance) record(step string, op Op) StepRecord {
	for _, r := range in.records {
		if r.Step == step && r.Op == op {
			return r
		}
	}
	return StepRecord{}
}

// inHand is the record of the op in hand.
func (in *instance) inHand() StepRecord { return in.record(in.Step, in.Op) }

// note records what became of an op.
func (in *instance) note(step string, op Op, s StepStatus, reason string, now time.Time) {
	i := slices.IndexFunc(in.records, func(r StepRecord) bool { return r.Step == step && r.Op == op })
	if i < 0 {
		i = len(in.records)
		in.records = append(in.records, StepRecord{Step: step, Op: op, StartedAt: now})
	}
	r := &in.records[i]
	r.Status, r.Error, r.EndedAt = s, clip(reason), now
	if s == StepIssued || s == StepFailed {
		r.EndedAt = time.Time{}
	}
	in.changed[i] = true
}

// take puts another op in hand.
func (in *instance) take(step string, op Op) {
	in.Step, in.Op, in.Attempts, in.Due = step, op, 0, atOnce
}

func (in *instance) isDue(now time.Time) bool { return in.Status == Running && !in.Due.After(now) }

// maxErrorLen is in bytes; the columns have room for more.
const maxErrorLen = 1000

func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxErrorLen)], "") }
