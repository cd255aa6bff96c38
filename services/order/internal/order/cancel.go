package order

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/groupcommit"
)

// CancelOrder is an owner's wish to call an order off.
type CancelOrder struct {
	Order ID
	User  UserID
}

// Subject names the order, as its events do.
func (req CancelOrder) Subject() string { return strconv.FormatInt(int64(req.Order), 10) }

// Canceller calls orders off for their owners, many per transaction. Safe for
// concurrent use.
type Canceller struct {
	store  Store
	policy Policy
	intake *groupcommit.Committer[CancelOrder, *State]
}

// NewCanceller makes a Canceller.
func NewCanceller(store Store, policy Policy, cfg groupcommit.Config, opts ...groupcommit.Option[CancelOrder]) *Canceller {
	c := &Canceller{store: store, policy: policy}
	c.intake = groupcommit.New(cfg, c.flush, opts...)
	return c
}

// Run commits what Cancel asks for until ctx ends and the queue is drained.
func (c *Canceller) Run(ctx context.Context) error { return c.intake.Run(ctx) }

// Cancel calls the order off and returns it as it stands then. It blocks until
// that is durable. To cancel again answers the same, so a repetition is safe
// after any error. ErrNotFound stands for somebody else's order as well; an
// order that is paid or closed otherwise is an *apperr.Error.
func (c *Canceller) Cancel(ctx context.Context, req CancelOrder) (*State, error) {
	return c.intake.Do(ctx, req)
}

// flush cancels a batch in one transaction. The row locks decide races with
// facts and with the deadline: who comes second finds what the first left.
func (c *Canceller) flush(ctx context.Context, batch []CancelOrder) (out []groupcommit.Outcome[*State], err error) {
	err = c.store.InUnit(ctx, func(ctx context.Context, u Unit) error {
		out, err = c.cancel(ctx, u, batch)
		return err
	})
	return out, err
}

func (c *Canceller) cancel(ctx context.Context, u Unit, batch []CancelOrder) ([]groupcommit.Outcome[*State], error) {
	states, err := u.Lock(ctx, wanted(batch))
	if err != nil {
		return nil, err
	}
	now, err := u.Now(ctx) // not before the lock: what was waited for has come before
	if err != nil {
		return nil, err
	}
	out := make([]groupcommit.Outcome[*State], len(batch))
	var updates []Update
	for i, req := range batch {
		was, found := states[req.Order]
		if !found || was.Key.User != req.User {
			out[i].Err = ErrNotFound
			continue
		}
		up, err := c.callOff(was, now)
		out[i] = groupcommit.Outcome[*State]{Value: up.After, Err: err}
		if len(up.Changes) > 0 {
			states[req.Order] = up.After
			updates = append(updates, up)
		}
	}
	return out, u.Save(ctx, updates)
}

func (c *Canceller) callOff(was *State, now time.Time) (Update, error) {
	o := Restore(was, c.policy)
	changes, err := o.Cancel(contracts.ReasonUserCancelled, now)
	if errors.Is(err, ErrNotCancellable) {
		err = apperr.New(apperr.Conflict, contracts.CodeOrderNotCancellable, "the order is paid or closed").With(err)
	}
	return Update{Before: was, After: o.State(), Changes: changes}, err
}

// wanted lists the orders, once each and in id order.
func wanted(batch []CancelOrder) []ID {
	ids := make([]ID, len(batch))
	for i, req := range batch {
		ids[i] = req.Order
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
