package payment

import (
	"fmt"
	"maps"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/money"
)

// Book is what a batch of requests is decided on.
type Book struct {
	Payments map[OrderID]Payment // decided before
	Wallets  map[WalletID]int64  // balances in minor units; absent is 0
}

// Decisions is what becomes of a batch of requests. All of it, or nothing,
// goes into storage.
type Decisions struct {
	Payments []Payment          // new, at most one per order
	Entries  []Entry            // one per payment that took money
	Taken    map[WalletID]int64 // sum per wallet, above 0, never more than it held
	Replies  []Payment          // what order is told, at most one per order
}

// Decide answers the requests one after the other, in the order given, as if
// each came alone: a request finds what those before it left. It changes
// nothing it was given.
//
// An order that has its decision keeps it. A repeated request is passed over,
// and answered with what is recorded only when order says that it still waits.
// The error satisfies IsImpossible and leaves no decisions.
func Decide(requests []Request, book Book, at time.Time) (Decisions, error) {
	d := desk{
		payments: withRoom(book.Payments), wallets: withRoom(book.Wallets),
		at: at, told: map[OrderID]bool{}, out: Decisions{Taken: map[WalletID]int64{}},
	}
	for _, r := range requests {
		if err := d.handle(r); err != nil {
			return Decisions{}, err
		}
	}
	return d.out, nil
}

// withRoom is a copy that can be written to, also of a nil map.
func withRoom[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m))
	maps.Copy(c, m)
	return c
}

// desk is where a batch is decided.
type desk struct {
	payments map[OrderID]Payment
	wallets  map[WalletID]int64
	at       time.Time
	told     map[OrderID]bool
	out      Decisions
}

func (d *desk) handle(r Request) error {
	if err := r.validate(); err != nil {
		return err
	}
	was, decided := d.payments[r.Order]
	switch {
	case r.Action == Void && !decided:
		d.record(Payment{Order: r.Order, User: r.User, Status: Voided, At: d.at})
	case r.Action == Void && was.Status == Captured:
		return fmt.Errorf("order %d: %w", r.Order, ErrVoidAfterCapture)
	case r.Action == Capture && !decided:
		p := d.capture(r)
		d.record(p)
		d.tell(p)
	case r.Action == Capture && r.Nudged:
		d.tell(was)
	}
	return nil
}

// capture takes all of the amount or nothing. A wallet holds one currency, so
// a user with money in another has none for this order.
func (d *desk) capture(r Request) Payment {
	p := Payment{Order: r.Order, User: r.User, Method: r.Method, Amount: r.Amount, At: d.at}
	switch amount := r.Amount.Minor(); {
	case amount == 0:
		return p.captured()
	case r.Method != contracts.MethodWallet:
		return p.failed(ReasonMethodNotOffered)
	case d.wallets[r.wallet()] < amount:
		return p.failed(ReasonInsufficientFunds)
	}
	d.take(r.wallet(), r.Amount.Minor())
	p = p.captured()
	d.out.Entries = append(d.out.Entries, captureEntry(p))
	return p
}

func (p Payment) captured() Payment {
	p.Status, p.Captured = Captured, p.Amount
	return p
}

func (p Payment) failed(reason string) Payment {
	p.Status, p.Captured, p.Reason = Failed, money.Of(0, p.Amount.Currency()), reason
	return p
}

func (d *desk) take(w WalletID, amount int64) {
	d.wallets[w] -= amount
	d.out.Taken[w] += amount
}

func (d *desk) record(p Payment) {
	d.payments[p.Order] = p
	d.out.Payments = append(d.out.Payments, p)
}

// tell answers order, once per batch. A voided payment has no answer: the
// order was cancelled and waits for none.
func (d *desk) tell(p Payment) {
	if p.Status == Voided || d.told[p.Order] {
		return
	}
	d.told[p.Order] = true
	d.out.Replies = append(d.out.Replies, p)
}
