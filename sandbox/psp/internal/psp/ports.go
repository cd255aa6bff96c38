package psp

import (
	"context"
	"time"
)

// IDs hands out numbers that grow with time.
type IDs interface{ Next() (int64, error) }

// Store is the provider's record.
type Store interface {
	// InUnit runs fn in one transaction, and again from the start when the
	// database asks for it, so fn must be repeatable.
	InUnit(ctx context.Context, fn func(ctx context.Context, u Unit) error) error
	// Made finds the charge of a key.
	Made(ctx context.Context, key string) (c Charge, found bool, err error)
}

// Unit is one transaction's view of the record. Events go out once it commits.
type Unit interface {
	// Charges finds the charges of these keys.
	Charges(ctx context.Context, keys []string) (map[string]Charge, error)
	AddCharges(ctx context.Context, charges []Charge) error
	// Charge finds a charge by its id; ErrUnknownCharge.
	Charge(ctx context.Context, id string) (Charge, error)
	// Due returns processing charges that are due, at most limit.
	Due(ctx context.Context, at time.Time, limit int) ([]Charge, error)
	// Update stores what may change of a charge.
	Update(ctx context.Context, c Charge) error
	// Refund finds the refund of a key.
	Refund(ctx context.Context, key string) (r Refund, found bool, err error)
	AddRefund(ctx context.Context, r Refund) error
	Emit(ctx context.Context, events []Event) error
}

// Courier delivers events.
type Courier interface {
	// Deliver makes one attempt to deliver an event that stands in the record.
	Deliver(ctx context.Context, e Event)
	// Wake says that events were added.
	Wake()
}
