package order

import "time"

// WaitsSince is when the order began to wait for another service's word, which
// is when it asked: its latest event. False when it waits for nobody; while it
// is RETURNING its saga does.
func (s *State) WaitsSince() (time.Time, bool) {
	switch {
	case s.Status == Pending:
		return s.CreatedAt, true
	case s.Status == Reserved:
		return s.ReservedAt, true
	case s.Status == Paid:
		return s.PaidAt, true
	case s.waitsForRefund():
		return s.RefundRequestedAt, true
	}
	return time.Time{}, false
}

func (s *State) waitsForRefund() bool {
	return s.Status == Cancelled && !s.RefundRequestedAt.IsZero() && !s.Facts.Has(Refunded)
}

// The version that an order has after its first step, and after its second.
// It leaves PENDING by the first and RESERVED by the second.
const (
	versionAfterPending  = 2
	versionAfterReserved = 3
)

// Decided is the order as it was when it was paid, rejected or cancelled: the
// last that those who hold stock and points for it are told. False while it is
// open, when they know all there is to know.
func (s *State) Decided() (*State, bool) {
	if s.PaidAt.IsZero() && s.ClosedAt.IsZero() {
		return nil, false
	}
	was := *s
	if !s.PaidAt.IsZero() {
		was.Status = Paid
	}
	was.Version = versionAfterReserved
	if s.ReservedAt.IsZero() {
		was.Version = versionAfterPending
	}
	was.CompletedAt, was.RefundRequestedAt, was.RefundedAt = time.Time{}, time.Time{}, time.Time{}
	was.Return = ReturnTimes{}
	return &was, true
}
