package order

import (
	"context"

	"souk.example/contracts"
)

// Expirer cancels orders that have not been paid by their deadline. Stateless;
// safe for concurrent use.
type Expirer struct{ policy Policy }

// NewExpirer makes an Expirer.
func NewExpirer(policy Policy) *Expirer { return &Expirer{policy: policy} }

// Expire cancels, within u, those of the due orders that are not paid or
// closed; they come in id order. The row locks decide races with facts and
// with users: who comes second finds what the first left.
func (e *Expirer) Expire(ctx context.Context, u Unit, due []ID) error {
	states, err := u.Lock(ctx, due)
	if err != nil {
		return err
	}
	now, err := u.Now(ctx) // not before the lock: what was waited for has come before
	if err != nil {
		return err
	}
	var updates []Update
	for _, id := range due {
		was, found := states[id]
		if !found || !was.Status.Cancellable() {
			continue
		}
		o := Restore(was, e.policy)
		changes, err := o.Cancel(contracts.ReasonDeadlinePassed, now)
		if err != nil {
			return err
		}
		updates = append(updates, Update{Before: was, After: o.State(), Changes: changes})
	}
	return u.Save(ctx, updates)
}
