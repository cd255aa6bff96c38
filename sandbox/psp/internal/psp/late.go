package psp

import (
	"context"
	"log/slog"
	"time"

	"souk.example/pkg/failpoint"
)

const (
	lateEvery = 100 * time.Millisecond // how often processing charges are looked at
	lateBatch = 500
)

// Clerk lets processing charges succeed when they are due.
type Clerk struct {
	store   Store
	ids     IDs
	courier Courier
	now     func() time.Time
	log     *slog.Logger
}

// NewClerk makes a Clerk.
func NewClerk(store Store, ids IDs, courier Courier, now func() time.Time, log *slog.Logger) *Clerk {
	return &Clerk{store: store, ids: ids, courier: courier, now: now, log: log}
}

// Run works until ctx ends.
func (c *Clerk) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := c.settle(ctx); err != nil && ctx.Err() == nil {
			c.log.WarnContext(ctx, "late charges wait", "error", err)
		}
		wait(ctx, lateEvery)
	}
	return nil
}

func (c *Clerk) settle(ctx context.Context) error {
	now := c.now().UTC().Truncate(time.Microsecond)
	err := c.store.InUnit(ctx, func(ctx context.Context, u Unit) error {
		due, err := u.Due(ctx, now, lateBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		events := make([]Event, len(due))
		for i, charge := range due {
			charge.Status, charge.UpdatedAt = Succeeded, now
			if err := u.Update(ctx, charge); err != nil {
				return err
			}
			number, err := c.ids.Next()
			if err != nil {
				return err
			}
			events[i] = Event{ID: ident("evt", number), Type: ChargeSucceeded, At: now, DueAt: now, Charge: charge}
		}
		failpoint.Hit("psp-late-before-commit")
		return u.Emit(ctx, events)
	})
	c.courier.Wake()
	return err
}
