package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Report is one fact about one order, as another service told it.
type Report struct {
	Order  ID
	Fact   Fact
	Nudged bool // told before: the service waits to hear what became of the order
}

// Learner applies what other services report. Stateless; safe for concurrent use.
type Learner struct{ policy Policy }

// NewLearner makes a Learner.
func NewLearner(policy Policy) *Learner { return &Learner{policy: policy} }

// Learn applies a batch of reports within u: each order is read once, told all
// its facts and written once, at the highest status it reaches, with an event
// for every change on the way, at the database's time. Reports already known
// change nothing, but a nudged one is answered with what was decided about its
// order, if anything was. A report about an order we do not have is an error
// wrapping ErrNotFound, an impossible one an *ImpossibleFactError; either way
// nothing of the batch may stand.
func (l *Learner) Learn(ctx context.Context, u Unit, reports []Report) error {
	ids := ordersOf(reports)
	states, err := u.Lock(ctx, ids)
	if err != nil {
		return err
	}
	now, err := u.Now(ctx)
	if err != nil {
		return err
	}
	orders, changes := l.restore(states), make(map[ID][]Change, len(ids))
	for _, r := range reports {
		o, ok := orders[r.Order]
		if !ok {
			return fmt.Errorf("%s for order %d: %w", r.Fact, r.Order, ErrNotFound)
		}
		entered, err := o.Learn(r.Fact, now)
		if err != nil {
			return err
		}
		changes[r.Order] = append(changes[r.Order], entered...)
	}
	if err := u.Save(ctx, updates(ids, states, orders, changes)); err != nil {
		return err
	}
	return u.Repeat(ctx, answers(reports, orders))
}

// answers is what those are told who nudge for an order's end, once per order.
func answers(reports []Report, orders map[ID]*Order) []State {
	var decided []State
	told := make(map[ID]bool)
	for _, r := range reports {
		if !r.Nudged || told[r.Order] {
			continue
		}
		told[r.Order] = true
		if s, ok := orders[r.Order].State().Decided(); ok {
			decided = append(decided, s)
		}
	}
	return decided
}

func (l *Learner) restore(states map[ID]State) map[ID]*Order {
	orders := make(map[ID]*Order, len(states))
	for id, s := range states {
		orders[id] = Restore(s, l.policy)
	}
	return orders
}

func updates(ids []ID, before map[ID]State, orders map[ID]*Order, changes map[ID][]Change) []Update {
	out := make([]Update, 0, len(ids))
	for _, id := range ids {
		was, is := before[id], orders[id].State()
		if is.Facts != was.Facts || is.Version != was.Version {
			out = append(out, Update{Before: was, After: is, Changes: changes[id]})
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
