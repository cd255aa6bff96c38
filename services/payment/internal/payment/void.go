package payment

import "time"

// void sees to it that nobody is asked for money: what was to be is dropped,
// and what comes later finds the tombstone.
func (d *desk) void(r Request, p Payment) {
	if p.Status == None {
		d.record(Payment{Order: r.Order, User: r.User, Status: Voided, At: d.at})
		return
	}
	p.Status, p.At = Voided, d.at
	d.record(p)
	if d.was[p.Order] != None { // else its call is as new as the payment, and was never stored
		d.out.Dropped = append(d.out.Dropped, chargeKey(p.Order))
	}
}

// note remembers that the order was cancelled.
func (d *desk) note(p Payment) {
	if p.CancelRequested {
		return
	}
	p.CancelRequested, p.At = true, d.at
	d.record(p)
}

// WaitsSince is when payment began to wait for order to ask for money back: it
// was taken for an order that was cancelled, and order does not know, or has
// not asked yet. False when there is nothing to wait for.
func (p Payment) WaitsSince() (time.Time, bool) {
	return p.At, p.Status == Captured && p.CancelRequested && !p.Captured.IsZero() && p.Refunded.IsZero()
}
