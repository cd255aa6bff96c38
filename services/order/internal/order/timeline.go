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
func (s *State) Timeline() []Entry {
	entries := []Entry{{Status: Pending, At: s.CreatedAt, Service: "order"}}
	for _, e := range []Entry{
		{Status: Reserved, At: s.ReservedAt, Service: "inventory"},
		{Status: Paid, At: s.PaidAt, Service: "payment"},
		{Status: Completed, At: s.CompletedAt, Service: "points"},
		{Status: s.Status, At: s.ClosedAt, Service: closedBy(s.Reason), Reason: s.Reason},
		{Status: Returning, At: s.Return.RequestedAt, Service: "order", Reason: s.Reason},
		{Status: Returned, At: s.Return.DoneAt, Service: "order", Reason: s.Reason},
	} {
		if !e.At.IsZero() {
			entries = append(entries, e)
		}
	}
	return entries
}

// closedBy is the service whose word closed the order: for a user's or a
// deadline's sake order itself.
func closedBy(reason string) string {
	switch reason {
	case contracts.ReasonOutOfStock:
		return "inventory"
	case contracts.ReasonPaymentFailed:
		return "payment"
	case contracts.ReasonPointsRefused:
		return "points"
	}
	return "order"
}

// PaymentStatus tells where the money is: "none" of it taken, "captured", or
// captured and "refunded".
func (s *State) PaymentStatus() string {
	switch {
	case s.Facts.Has(Refunded):
		return "refunded"
	case s.Facts.Has(Captured):
		return "captured"
	}
	return "none"
}
