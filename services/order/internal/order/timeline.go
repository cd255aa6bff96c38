package order

import (
	"time"

	"souk.example/contracts"
)

// Entry is one line of an order's timeline: a status, when it was entered, and
// the service whose word moved the order there.
type Entry struct {
	Status  Status
	At      time.Time
	Service string
	Reason  string
}

// Timeline tells the order's life so far, oldest first. It names each status
// once, in the order of the state machine, whatever the order in which the
// facts arrived.
func (s State) Timeline() []Entry {
	entries := []Entry{{Status: Pending, At: s.CreatedAt, Service: "order"}}
	for _, e := range []Entry{
		{Status: Reserved, At: s.ReservedAt, Service: "inventory"},
		{Status: Paid, At: s.PaidAt, Service: "payment"},
		{Status: Completed, At: s.CompletedAt, Service: "points"},
		{Status: s.Status, At: s.ClosedAt, Service: closedBy(s.Status), Reason: s.Reason},
	} {
		if !e.At.IsZero() {
			entries = append(entries, e)
		}
	}
	return entries
}

func closedBy(s Status) string {
	if s == Rejected {
		return "inventory"
	}
	return "payment"
}

func reasonFor(s Status) string {
	if s == Rejected {
		return contracts.ReasonOutOfStock
	}
	return contracts.ReasonPaymentFailed
}

// PaymentStatus is "captured" once the money was taken, "none" before.
func (s State) PaymentStatus() string {
	if s.Facts.Has(Captured) {
		return "captured"
	}
	return "none"
}
