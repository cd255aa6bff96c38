package psp

import (
	"context"
	"time"

	"souk.example/pkg/failpoint"
)

// RefundRequest asks to give money back. Requests with one Key are the same.
type RefundRequest struct {
	Key, Charge, Reference string
	Amount                 int64
}

// Refunded is the answer: the refund, and whether this very call made it.
type Refunded struct {
	Refund
	Created bool
}

// Refunder gives money back. Safe for concurrent use.
type Refunder struct {
	store   Store
	ids     IDs
	courier Courier
	now     func() time.Time
}

// NewRefunder makes a Refunder.
func NewRefunder(store Store, ids IDs, courier Courier, now func() time.Time) *Refunder {
	return &Refunder{store: store, ids: ids, courier: courier, now: now}
}

// Refund gives back once per key, and never more of a charge than was taken.
func (f *Refunder) Refund(ctx context.Context, r RefundRequest) (out Refunded, err error) {
	if err := r.validate(); err != nil {
		return Refunded{}, err
	}
	err = f.store.InUnit(ctx, func(ctx context.Context, u Unit) error {
		was, found, err := u.Refund(ctx, r.Key)
		if err != nil {
			return err
		}
		if found {
			out = Refunded{Refund: was}
			return r.repeats(was)
		}
		out, err = f.give(ctx, u, r)
		failpoint.Hit("psp-refund-before-commit")
		return err
	})
	failpoint.Hit("psp-refund-after-commit")
	f.courier.Wake()
	return out, err
}

func (f *Refunder) give(ctx context.Context, u Unit, r RefundRequest) (Refunded, error) {
	charge, err := u.Charge(ctx, r.Charge)
	switch {
	case err != nil:
		return Refunded{}, err
	case charge.Status != Succeeded:
		return Refunded{}, ErrNotRefundable
	case r.Amount > charge.Amount-charge.Refunded:
		return Refunded{}, ErrExceedsCharge
	}
	number, err := f.ids.Next()
	if err != nil {
		return Refunded{}, err
	}
	now := f.now().UTC().Truncate(time.Microsecond)
	charge.Refunded, charge.UpdatedAt = charge.Refunded+r.Amount, now
	refund := Refund{ID: ident("re", number), Key: r.Key, Charge: charge.ID, Reference: r.Reference, Amount: r.Amount, Currency: charge.Currency, CreatedAt: now}
	if err := u.Update(ctx, charge); err != nil {
		return Refunded{}, err
	}
	if err := u.AddRefund(ctx, refund); err != nil {
		return Refunded{}, err
	}
	event := Event{ID: ident("evt", number), Type: RefundSucceeded, At: now, DueAt: now, Charge: charge, Refund: &refund}
	return Refunded{Refund: refund, Created: true}, u.Emit(ctx, []Event{event})
}

func (r RefundRequest) validate() error {
	switch {
	case r.Amount <= 0:
		return invalid("amount", "an amount is 1 or more minor units")
	case r.Reference == "" || len(r.Reference) > 64:
		return invalid("reference", "a reference has 1 to 64 characters")
	}
	return nil
}

func (r RefundRequest) repeats(was Refund) error {
	if was.Charge != r.Charge || was.Amount != r.Amount || was.Reference != r.Reference {
		return ErrKeyReused
	}
	return nil
}
