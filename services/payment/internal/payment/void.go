package payment

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
