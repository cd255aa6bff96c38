package order

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/plaintext"
)

// ErrNotReturnable says that an order is not completed, or not any more.
var ErrNotReturnable = errors.New("order cannot be returned")

// Return begins to take a completed order back. There is no way back from it:
// what it takes is asked for, part by part, until the return is finished.
func (o *Order) Return(at time.Time) ([]Change, error) {
	if s := o.state; s.Status != Completed {
		return nil, fmt.Errorf("order %d is %s: %w", s.ID, s.Status, ErrNotReturnable)
	}
	return []Change{o.enter(Returning, contracts.ReasonReturned, at)}, nil
}

// Lacks reports whether a part of the order's return has yet to be done:
// Refunded, unless nothing was paid in money, Restocked or PointsReversed.
func (o *Order) Lacks(part Fact) bool {
	return !o.state.Facts.Has(part) && (part != Refunded || !o.state.Payable.IsZero())
}

// Ask asks for a part of a return, once: to ask again changes nothing.
func (o *Order) Ask(part Fact, at time.Time) ([]Change, error) {
	asked := map[Fact]func(*State) *time.Time{
		Refunded: (*State).refundRequested, Restocked: (*State).restockRequested, PointsReversed: (*State).reversalRequested,
	}[part]
	if asked == nil || o.state.Status != Returning {
		return nil, fmt.Errorf("order %d is %s: nobody is asked for %q", o.state.ID, o.state.Status, part)
	}
	if !asked(o.state).IsZero() {
		return nil, nil
	}
	return []Change{o.ask(asked, at)}, nil
}

func (s *State) restockRequested() *time.Time  { return &s.Return.RestockRequestedAt }
func (s *State) reversalRequested() *time.Time { return &s.Return.ReversalRequestedAt }

// FinishReturn ends a return. It does not ask whether every part was reported:
// an operator may have seen to one by hand.
func (o *Order) FinishReturn(at time.Time) ([]Change, error) {
	if o.state.Status != Returning {
		return nil, fmt.Errorf("order %d is %s: there is no return to finish", o.state.ID, o.state.Status)
	}
	return []Change{o.enter(Returned, contracts.ReasonReturned, at)}, nil
}

// ReturnOrder is an owner's wish to give an order back.
type ReturnOrder struct {
	Order       ID
	Key         Key
	Fingerprint [32]byte // of the request
	Why         string   // in the owner's words, 1 to 200 characters of plaintext
}

// ReturnReceipt is the answer to a ReturnOrder.
type ReturnReceipt struct {
	Order    ID
	Status   Status
	Replayed bool // the answer to the same request before
}

const maxWhy = 200

// Validate refuses, as an *apperr.Error, what is no reason.
func (r ReturnOrder) Validate() error {
	if n := utf8.RuneCountInString(r.Why); plaintext.Blank(r.Why) || n > maxWhy || !plaintext.Is(r.Why) {
		return apperr.New(apperr.Unprocessable, contracts.CodeInvalidReturn, "the order cannot be returned as asked").
			WithFields(apperr.Field{Field: "reason", Code: "invalid", Detail: fmt.Sprintf("a reason has 1 to %d characters, none of them for control", maxWhy)})
	}
	return nil
}

// Returner takes orders back, one at a time, within units that somebody else
// commits. Stateless; safe for concurrent use.
type Returner struct{ policy Policy }

// NewReturner makes a Returner.
func NewReturner(policy Policy) *Returner { return &Returner{policy: policy} }

// Begin makes an order of the user's RETURNING. ErrNotFound stands for somebody
// else's order as well; one that is not COMPLETED is an *apperr.Error.
func (r *Returner) Begin(ctx context.Context, u Unit, id ID, user UserID) (*State, error) {
	s, err := r.change(ctx, u, id, func(o *Order, at time.Time) ([]Change, error) {
		if o.State().Key.User != user {
			return nil, ErrNotFound
		}
		return o.Return(at)
	})
	if errors.Is(err, ErrNotReturnable) {
		err = apperr.New(apperr.Conflict, contracts.CodeOrderNotReturnable, "the order is not completed, or returned already").With(err)
	}
	return s, err
}

// Ask asks for a part of an order's return, and reports whether it waits for
// that now. Who was asked before is reminded.
func (r *Returner) Ask(ctx context.Context, u Unit, id ID, part Fact) (waits bool, err error) {
	var asked bool
	s, err := r.change(ctx, u, id, func(o *Order, at time.Time) ([]Change, error) {
		if waits = o.Lacks(part); !waits {
			return nil, nil
		}
		changes, err := o.Ask(part, at)
		asked = len(changes) > 0
		return changes, err
	})
	if err != nil || !waits || asked {
		return waits, err
	}
	return true, u.Remind(ctx, []*State{s})
}

// Finish makes an order RETURNED.
func (r *Returner) Finish(ctx context.Context, u Unit, id ID) error {
	_, err := r.change(ctx, u, id, (*Order).FinishReturn)
	return err
}

// change does something to one order, under its lock.
func (r *Returner) change(ctx context.Context, u Unit, id ID, do func(*Order, time.Time) ([]Change, error)) (*State, error) {
	states, err := u.Lock(ctx, []ID{id})
	if err != nil {
		return nil, err
	}
	was, found := states[id]
	if !found {
		return nil, ErrNotFound
	}
	now, err := u.Now(ctx) // not before the lock: what was waited for has come before
	if err != nil {
		return nil, err
	}
	o := Restore(was, r.policy)
	changes, err := do(o, now)
	if err != nil || len(changes) == 0 {
		return was, err
	}
	return o.State(), u.Save(ctx, []Update{{Before: was, After: o.State(), Changes: changes}})
}
