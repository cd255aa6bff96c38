package payment

import (
	"context"
	"time"
)

// Settler decides what order asks for. Stateless; safe for concurrent use.
type Settler struct {
	offers Offers
	now    func() time.Time
}

// NewSettler makes a Settler that takes money by the methods offered; now is
// the clock of the rows it leaves.
func NewSettler(offers Offers, now func() time.Time) *Settler {
	return &Settler{offers: offers, now: now}
}

// Settle decides a batch of requests within u: what is decided already is
// looked up, unless it looks new, the wallets concerned are locked, the rest is decided in memory
// and recorded with its replies. An error means that nothing of the batch may
// stand; one that satisfies IsImpossible will not go away by itself.
func (s *Settler) Settle(ctx context.Context, u Unit, requests []Request) error {
	known, err := u.Payments(ctx, ordersOf(inDoubt(requests, u.Fresh(ctx))))
	if err != nil {
		return err
	}
	refunds, err := u.Refunds(ctx, refundsOf(requests))
	if err != nil {
		return err
	}
	wallets, err := u.LockWallets(ctx, payersOf(requests, known))
	if err != nil {
		return err
	}
	d, err := Decide(requests, Book{Payments: known, Wallets: wallets, Refunds: refunds}, s.offers, s.now())
	if err != nil {
		return err
	}
	return u.Record(ctx, d)
}
