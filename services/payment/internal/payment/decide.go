package payment

import (
	"maps"
	"time"

	"souk.example/pkg/config"
)

// Book is what a batch of requests is decided on.
type Book struct {
	Payments map[OrderID]Payment // asked for before
	Refunds  map[RefundID]Refund // asked for before
	Wallets  map[WalletID]int64  // balances in minor units; absent is 0
}

// Decisions is what becomes of a batch of requests. All of it, or nothing,
// goes into storage.
type Decisions struct {
	Payments      []Payment // new, at most one per order
	Changes       []Change  // of payments that were there, at most one per order
	Refunds       []Refund  // new, at most one per id
	Reserved      map[OrderID]int64
	Calls         []Call             // new: one per payment or refund that is Pending
	Dropped       []string           // keys of calls that must not be made
	Entries       []Entry            // one per movement of money
	Taken         map[WalletID]int64 // sum per wallet, above 0, never more than it held and was given
	Given         map[WalletID]int64 // sum per wallet, above 0
	Replies       []Payment          // what order is told, at most one per order
	RefundReplies []Refund           // what order is told, at most one per refund
}

// Decide answers the requests one after the other, in the order given, as if
// each came alone: a request finds what those before it left. It changes
// nothing it was given.
//
// What is decided stays decided. A repeated request is passed over, and
// answered with what is recorded only when order says that it still waits. The
// error satisfies IsImpossible and leaves no decisions.
func Decide(requests []Request, book Book, offers Offers, at time.Time) (Decisions, error) {
	d := newDesk(book, offers, at, len(requests))
	for _, r := range requests {
		if err := d.handle(r); err != nil {
			return Decisions{}, err
		}
	}
	return d.finish(), nil
}

// desk is where a batch is decided.
type desk struct {
	payments map[OrderID]Payment
	refunds  map[RefundID]Refund
	wallets  map[WalletID]int64
	offers   Offers
	at       time.Time

	touched []OrderID          // in the order of their first change
	was     map[OrderID]Status // what they were before it
	tokens  map[OrderID]config.Secret
	told    map[string]bool // by call key
	out     Decisions
}

func newDesk(book Book, offers Offers, at time.Time, requests int) *desk {
	return &desk{
		payments: withRoom(book.Payments, requests), refunds: withRoom(book.Refunds, 0), wallets: withRoom(book.Wallets, 0),
		offers: offers, at: at,
		touched: make([]OrderID, 0, requests), was: make(map[OrderID]Status, requests),
		tokens: map[OrderID]config.Secret{}, told: make(map[string]bool, requests),
		out: Decisions{
			Entries: make([]Entry, 0, requests), Replies: make([]Payment, 0, requests),
			Reserved: map[OrderID]int64{}, Taken: make(map[WalletID]int64, len(book.Wallets)), Given: map[WalletID]int64{},
		},
	}
}

// withRoom is a copy that can be written to, also of a nil map, with room for more.
func withRoom[K comparable, V any](m map[K]V, more int) map[K]V {
	c := make(map[K]V, len(m)+more)
	maps.Copy(c, m)
	return c
}

func (d *desk) handle(r Request) error {
	if err := r.validate(); err != nil {
		return err
	}
	if r.Action == GiveBack {
		return d.giveBack(r)
	}
	p := d.payments[r.Order]
	switch step := Next(p.Status, r.event()); step.Do {
	case Settle:
		d.settle(r)
	case Move:
		d.void(r, p)
	case Note:
		d.note(p)
	case Repeat:
		d.tell(p)
	}
	return nil
}

// record notes what a payment is now.
func (d *desk) record(p Payment) {
	if _, before := d.was[p.Order]; !before {
		d.was[p.Order] = d.payments[p.Order].Status
		d.touched = append(d.touched, p.Order)
	}
	d.payments[p.Order] = p
}

// tell answers order, once per batch.
func (d *desk) tell(p Payment) {
	if key := chargeKey(p.Order); !d.told[key] {
		d.told[key] = true
		d.out.Replies = append(d.out.Replies, p)
	}
}

// finish sorts what was touched into what is new and what has changed.
func (d *desk) finish() Decisions {
	d.out.Payments = make([]Payment, 0, len(d.touched))
	for _, order := range d.touched {
		p, was := d.payments[order], d.was[order]
		if was != None {
			d.out.Changes = append(d.out.Changes, Change{Was: was, Payment: p})
			continue
		}
		d.out.Payments = append(d.out.Payments, p)
		if p.Status == Pending {
			d.out.Calls = append(d.out.Calls, chargeCall(p, d.tokens[order]))
		}
	}
	return d.out
}
