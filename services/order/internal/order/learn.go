package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Report is one fact about one order, as another service told it.
type Report struct {
	Order  ID
	Fact   Fact
	Nudged bool // told before: the service waits to hear what became of the order
}

// Learner applies what other services report. Safe for concurrent use.
type Learner struct {
	policy Policy
	pace   *Pacer
}

// NewLearner makes a Learner that tells pace how long orders wait for others.
func NewLearner(policy Policy, pace *Pacer) *Learner { return &Learner{policy: policy, pace: pace} }

// Learn applies a batch of reports within u: each order is told all its facts
// and written once, at the highest status it reaches, with an event for every
// change on the way, at the database's time. Reports already known change
// nothing, but a nudged one is answered with what was decided about its order,
// if anything was. A report about an order we do not have is an error wrapping
// ErrNotFound, an impossible one an *ImpossibleFactError; either way nothing of
// the batch may stand.
//
// Orders that u can recall are not read, which spares a batch its widest
// statement: the condition of the UPDATE proves that they were recalled right
// (optimistic concurrency control: Kung and Robinson, TODS 6(2), 1981). What no
// UPDATE would prove, that a report is old, impossible or asks for an answer, is
// decided on orders that were read and locked.
func (l *Learner) Learn(ctx context.Context, u Unit, reports []Report) error {
	les, err := l.open(ctx, u, ordersOf(reports))
	if err != nil {
		return err
	}
	now, err := u.Now(ctx)
	if err != nil {
		return err
	}
	for _, r := range reports {
		p, ok := les.pupils[r.Order]
		if !ok {
			return fmt.Errorf("%s for order %d: %w", r.Fact, r.Order, ErrNotFound)
		}
		if err := les.hear(p, r, now); err != nil && p.recalled {
			return u.Mistrust(les.ids)
		} else if err != nil {
			return err
		}
	}
	updates := les.updates()
	if err := u.Save(ctx, updates); err != nil {
		return err
	}
	l.pace.observe(updates)
	return u.Repeat(ctx, les.answers())
}

// lesson is one batch of reports on its way into orders.
type lesson struct {
	ids    []ID
	pupils map[ID]*pupil
	nudged []ID // whose end somebody waits to hear
}

// pupil is an order that learns.
type pupil struct {
	*Order
	before   *State
	recalled bool
	changes  []Change
}

// open recalls the orders, and reads and locks those that nobody remembers.
func (l *Learner) open(ctx context.Context, u Unit, ids []ID) (*lesson, error) {
	les := &lesson{ids: ids, pupils: make(map[ID]*pupil, len(ids))}
	l.admit(les, u.Recall(ids), true)
	unknown := make([]ID, 0, len(ids)-len(les.pupils))
	for _, id := range ids {
		if _, ok := les.pupils[id]; !ok {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) == 0 {
		return les, nil
	}
	locked, err := u.Lock(ctx, unknown)
	l.admit(les, locked, false)
	return les, err
}

func (l *Learner) admit(les *lesson, states map[ID]*State, recalled bool) {
	for id, s := range states {
		les.pupils[id] = &pupil{Order: Restore(s, l.policy), before: s, recalled: recalled}
	}
}

// errUnproved: what the report comes to is nothing that an UPDATE would prove.
var errUnproved = errors.New("decided on a recalled order")

// hear tells an order one fact.
func (les *lesson) hear(p *pupil, r Report, now time.Time) error {
	if p.recalled && (r.Nudged || p.State().Facts.Has(r.Fact)) {
		return errUnproved
	}
	entered, err := p.Learn(r.Fact, now)
	if err != nil {
		return err
	}
	p.changes = append(p.changes, entered...)
	if r.Nudged && !slices.Contains(les.nudged, r.Order) {
		les.nudged = append(les.nudged, r.Order)
	}
	return nil
}

// answers is what those are told who nudge for an order's end, once per order.
func (les *lesson) answers() []*State {
	var decided []*State
	for _, id := range les.nudged {
		if s, ok := les.pupils[id].State().Decided(); ok {
			decided = append(decided, s)
		}
	}
	return decided
}

func (les *lesson) updates() []Update {
	out := make([]Update, 0, len(les.ids))
	for _, id := range les.ids {
		p := les.pupils[id]
		if was, is := p.before, p.State(); is.Facts != was.Facts || is.Version != was.Version {
			out = append(out, Update{Before: was, After: is, Changes: p.changes, Recalled: p.recalled})
		}
	}
	return out
}

// ordersOf lists the orders reported on, once each and in id order, which is
// the order in which every transaction locks them.
func ordersOf(reports []Report) []ID {
	ids := make([]ID, len(reports))
	for i, r := range reports {
		ids[i] = r.Order
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// IsImpossible reports whether err is a fact that no retry will make true.
func IsImpossible(err error) bool {
	_, impossible := errors.AsType[*ImpossibleFactError](err)
	return impossible || errors.Is(err, ErrNotFound)
}
