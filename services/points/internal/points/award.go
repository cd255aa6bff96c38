package points

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"souk.example/pkg/money"
)

// PaidOrder asks for the reward of an order.
type PaidOrder struct {
	Order  OrderID
	User   UserID
	Paid   money.Amount
	Nudged bool // asked before: order still waits for the answer
}

// Award is the answer: what all rules together gave.
type Award struct {
	Order  OrderID
	User   UserID
	Points int64
}

// ErrMalformed is a request that no order can have made.
var ErrMalformed = errors.New("malformed paid order")

func (p PaidOrder) validate() error {
	if p.Order <= 0 || p.User <= 0 {
		return fmt.Errorf("order %d of user %d: %w: ids are positive", p.Order, p.User, ErrMalformed)
	}
	if p.Paid.IsNegative() {
		return fmt.Errorf("order %d: %w: the amount is negative", p.Order, ErrMalformed)
	}
	return nil
}

// Decisions is what becomes of a batch. All of it, or nothing, goes into storage.
type Decisions struct {
	Entries []Entry          // new: one per order and rule
	Earned  map[UserID]int64 // sum of the entries per user, above 0
	Replies []Award          // what order is told, at most one per order
}

// Awarder rewards paid orders. Stateless; safe for concurrent use.
type Awarder struct {
	rules []Rule
	now   func() time.Time
}

// NewAwarder makes an Awarder; now is the clock of the entries.
func NewAwarder(rules []Rule, now func() time.Time) *Awarder { return &Awarder{rules: rules, now: now} }

// Award rewards a batch of orders within u. An order that has its reward keeps
// it, whatever the rules have become since: a repeated request is passed over,
// and answered with what is recorded only when order says that it still waits.
// An error means that nothing of the batch may stand; ErrMalformed will not go
// away by itself.
func (a *Awarder) Award(ctx context.Context, u Unit, paid []PaidOrder) error {
	known, err := u.Awards(ctx, ordersOf(paid))
	if err != nil {
		return err
	}
	d, err := a.decide(paid, known)
	if err != nil {
		return err
	}
	return u.Record(ctx, d)
}

func (a *Awarder) decide(paid []PaidOrder, known map[OrderID]Award) (Decisions, error) {
	b := batch{
		rules: a.rules, at: a.now(), awards: map[OrderID]Award{}, told: map[OrderID]bool{},
		out: Decisions{Earned: map[UserID]int64{}},
	}
	maps.Copy(b.awards, known)
	for _, p := range paid {
		if err := p.validate(); err != nil {
			return Decisions{}, err
		}
		b.handle(p)
	}
	return b.out, nil
}

// batch is where a batch is decided; an order finds what those before it left.
type batch struct {
	rules  []Rule
	at     time.Time
	awards map[OrderID]Award
	told   map[OrderID]bool
	out    Decisions
}

func (b *batch) handle(p PaidOrder) {
	award, decided := b.awards[p.Order]
	if !decided {
		award = b.award(p)
		b.awards[p.Order] = award
	}
	if (!decided || p.Nudged) && !b.told[p.Order] {
		b.told[p.Order] = true
		b.out.Replies = append(b.out.Replies, award)
	}
}

func (b *batch) award(p PaidOrder) Award {
	award := Award{Order: p.Order, User: p.User}
	for _, r := range b.rules {
		e := Entry{
			EntryID: EntryID{Order: p.Order, Rule: r.Name, Cause: CausePaid},
			User:    p.User, Amount: r.earned(p.Paid), At: b.at,
		}
		b.out.Entries = append(b.out.Entries, e)
		award.Points += e.Amount
	}
	if award.Points > 0 {
		b.out.Earned[p.User] += award.Points
	}
	return award
}

// ordersOf lists the orders, once each, in id order.
func ordersOf(paid []PaidOrder) []OrderID {
	orders := make([]OrderID, len(paid))
	for i, p := range paid {
		orders[i] = p.Order
	}
	slices.Sort(orders)
	return slices.Compact(orders)
}
