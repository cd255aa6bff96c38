package points

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Settler decides what order asks for. Stateless; safe for concurrent use.
type Settler struct {
	rules []Rule
	now   func() time.Time
}

// NewSettler makes a Settler; now is the clock of the rows it leaves.
func NewSettler(rules []Rule, now func() time.Time) *Settler { return &Settler{rules: rules, now: now} }

// Settle decides a batch of requests within u: what is decided already is
// looked up, unless it looks new, the accounts that points are taken of are locked, the rest is
// decided in memory and recorded with its replies. An error means that nothing
// of the batch may stand; one that satisfies IsImpossible will not go away by
// itself.
func (s *Settler) Settle(ctx context.Context, u Unit, requests []Request) error {
	book, err := s.open(ctx, u, requests)
	if err != nil {
		return err
	}
	d, err := Decide(requests, book, s.rules, s.now())
	if err != nil {
		return err
	}
	return u.Record(ctx, d)
}

func (s *Settler) open(ctx context.Context, u Unit, requests []Request) (book Book, err error) {
	// In a fresh batch awards and freezes are new: the keys of their rows prove it.
	fresh := u.Fresh(ctx)
	paid := func(r Request) bool { return r.Action == Confirm }
	rewarded := func(r Request) bool { return paid(r) && !fresh }
	frozen := func(r Request) bool { return usesPoints(r) && (r.Action != Try || !fresh) }
	if book.Awards, err = u.Awards(ctx, ordersOf(requests, rewarded)); err != nil {
		return book, err
	}
	if book.Freezes, err = u.Freezes(ctx, ordersOf(requests, frozen)); err != nil {
		return book, err
	}
	debtors, err := u.Debtors(ctx, usersOf(requests, paid))
	if err != nil {
		return book, err
	}
	if book.Accounts, err = u.LockAccounts(ctx, holdersOf(requests, book.Freezes, len(debtors) > 0)); err != nil {
		return book, err
	}
	// Not before the lock: what another member has reversed meanwhile is seen.
	book.Entries, err = u.Entries(ctx, ordersOf(requests, func(r Request) bool { return r.Action == Reverse }))
	return book, err
}

// usesPoints: the order has a freeze, or may have one.
func usesPoints(r Request) bool { return r.Action == Cancel || r.Points > 0 }

// ordersOf lists the orders of the requests that match, once each, in id order.
func ordersOf(requests []Request, match func(Request) bool) []OrderID {
	orders := make(map[OrderID]struct{}, len(requests))
	for _, r := range requests {
		if match(r) {
			orders[r.Order] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(orders))
}

// usersOf lists the users of the requests that match, once each, in id order.
func usersOf(requests []Request, match func(Request) bool) []UserID {
	users := make(map[UserID]struct{}, len(requests))
	for _, r := range requests {
		if match(r) {
			users[r.User] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(users))
}

// holdersOf lists whose accounts to lock, in id order: nobody's where no points
// are frozen or end being so, none are taken back and nobody owes any; else
// everybody's in the batch, lest it lock the others later and out of order.
func holdersOf(requests []Request, known map[OrderID]Freeze, owing bool) []UserID {
	needed := owing
	for _, r := range requests {
		was, decided := known[r.Order]
		needed = needed || r.Action == Try && !decided || was.Status == Frozen || r.Action == Reverse
	}
	if !needed {
		return nil
	}
	return usersOf(requests, func(Request) bool { return true })
}
