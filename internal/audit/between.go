package audit

import (
	"context"
	"slices"
)

// sides are what inventory, payment and points know of orders, as streams.
type sides struct {
	reservations *cursor[reservationRow]
	payments     *cursor[paymentRow]
	points       *cursor[pointsRow]
}

func openSides(ctx context.Context, s snapshots) (sides, error) {
	var all sides
	var err error
	if all.reservations, err = open(ctx, s.inventory, selectReservations, (*reservationRow).id, (*reservationRow).fields); err != nil {
		return all, err
	}
	if all.payments, err = open(ctx, s.payment, selectPayments, (*paymentRow).id, (*paymentRow).fields); err != nil {
		return all, err
	}
	all.points, err = open(ctx, s.points, selectPoints, (*pointsRow).id, (*pointsRow).fields)
	return all, err
}

func (s sides) close() {
	if s.reservations != nil {
		s.reservations.close()
	}
	if s.payments != nil {
		s.payments.close()
	}
	if s.points != nil {
		s.points.close()
	}
}

// betweenDatabases walks all orders and what the other services know of each,
// side by side. Whatever differs may be on its way: it is a suspicion.
func betweenDatabases(ctx context.Context, s snapshots, f *findings) error {
	all, err := openSides(ctx, s)
	defer all.close()
	if err != nil {
		return err
	}
	var o orderRow
	err = each(ctx, s.order, selectOrders, o.fields(), func() error { return all.compare(&o, f) })
	if err != nil {
		return err
	}
	return all.orphans(f)
}

// compare holds one order against what each service knows of it.
func (s sides) compare(o *orderRow, f *findings) error {
	r, err := s.reservations.seek(o.id, orphanReservation(f))
	if err != nil {
		return err
	}
	p, err := s.payments.seek(o.id, orphanPayment(f))
	if err != nil {
		return err
	}
	pts, err := s.points.seek(o.id, orphanPoints(f))
	if err != nil {
		return err
	}
	compareReservation(o, r, f)
	comparePayment(o, p, f)
	compareRefund(o, p, f)
	compareAward(o, pts.award(), f)
	compareFreeze(o, pts.freeze(), f)
	compareReturn(o, pts, f)
	return nil
}

func (s sides) orphans(f *findings) error {
	if err := s.reservations.rest(orphanReservation(f)); err != nil {
		return err
	}
	if err := s.payments.rest(orphanPayment(f)); err != nil {
		return err
	}
	return s.points.rest(orphanPoints(f))
}

// orphanReservation and its like: whatever is known of an order, it exists (5).
func orphanReservation(f *findings) func(*reservationRow) {
	return func(r *reservationRow) {
		f.suspect(Decisions, r.order, "it does not exist, but inventory has it %s", r.status)
	}
}

func orphanPayment(f *findings) func(*paymentRow) {
	return func(p *paymentRow) {
		f.suspect(Decisions, p.order, "it does not exist, but payment has it %s", p.status)
	}
}

func orphanPoints(f *findings) func(*pointsRow) {
	return func(p *pointsRow) {
		if p.award() != nil {
			f.suspect(Decisions, p.order, "it does not exist, but points has rewarded it")
		}
		if p.freeze() != nil {
			f.suspect(Decisions, p.order, "it does not exist, but points has it %s", p.status)
		}
	}
}

// wasPaid tells the statuses from PAID on.
func wasPaid(status string) bool {
	return slices.Contains([]string{"PAID", "COMPLETED", "RETURNING", "RETURNED"}, status)
}

// comparePayment holds money against the order (3).
func comparePayment(o *orderRow, p *paymentRow, f *findings) {
	settled := wasPaid(o.status) && o.status != "RETURNED"
	switch {
	case p == nil:
		if wasPaid(o.status) || o.status == "RESERVED" {
			f.suspect(Captures, o.id, "it has no payment: it is %s", o.status)
		}
	case wasPaid(o.status) && (p.captured != o.payable || p.captured > 0 && p.currency != o.currency):
		f.suspect(Captures, o.id, "captured is not payable: order %s for %d %s, captured %d %s", o.status, o.payable, o.currency, p.captured, p.currency)
	case !settled && p.captured > p.refunded:
		f.suspect(Captures, o.id, "money was taken for nothing: order %s, captured %d, refunded %d", o.status, p.captured, p.refunded)
	case o.status == "RESERVED" && p.status == statusFailed:
		f.suspect(Decisions, o.id, "it was not told that its payment failed: order %s", o.status)
	case p.amount > 0 && p.user != o.user:
		f.suspect(Captures, o.id, "another user paid: user %d, order of user %d", p.user, o.user)
	}
}

// compareRefund holds what was given back against what the order asked for (3).
func compareRefund(o *orderRow, p *paymentRow, f *findings) {
	var captured, refunded int64
	if p != nil {
		captured, refunded = p.captured, p.refunded
	}
	switch {
	case o.refundRequestedAt == 0 && refunded != 0:
		f.suspect(Captures, o.id, "refunded %d, but nobody asked for it: order %s", refunded, o.status)
	case o.refundRequestedAt != 0 && refunded != captured:
		f.suspect(Captures, o.id, "it asked for a refund: captured %d, refunded %d", captured, refunded)
	}
}

// compareAward holds points against the order (4, 5).
func compareAward(o *orderRow, a *awardRow, f *findings) {
	switch {
	case a == nil && wasPaid(o.status):
		f.suspect(Ledger, o.id, "it earned nothing: order %s", o.status)
	case a != nil && (!wasPaid(o.status) || o.status == "PAID"):
		f.suspect(Ledger, o.id, "it was rewarded: order %s", o.status)
	case a != nil && a.user != o.user:
		f.suspect(Ledger, o.id, "another user was rewarded: user %d, order of user %d", a.user, o.user)
	}
}
