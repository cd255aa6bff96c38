package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"souk.example/contracts"
)

// grace is how long past its deadline an order may be undecided.
const grace = time.Minute

// orderRow is the part of a row of orders that the audit looks at.
type orderRow struct {
	id, user                                  int64
	status                                    string
	version                                   int64
	total, payable, pointsUsed                int64
	currency                                  string
	items                                     []byte
	created, deadline                         int64
	reservedAt, paidAt, completedAt, closedAt int64
	refundRequestedAt, refundedAt             int64
	returnRequestedAt, restockRequestedAt     int64
	reversalRequestedAt, returnedAt           int64
}

const selectOrders = "SELECT id, user_id, status, version, total, payable, points_used, currency, items, created_at, deadline, " +
	"reserved_at, paid_at, completed_at, closed_at, refund_requested_at, refunded_at, " +
	"return_requested_at, restock_requested_at, reversal_requested_at, returned_at FROM orders ORDER BY id"

func (o *orderRow) fields() []any {
	return []any{
		&o.id, &o.user, &o.status, &o.version, &o.total, &o.payable, &o.pointsUsed, &o.currency, &o.items, &o.created, &o.deadline,
		&o.reservedAt, &o.paidAt, &o.completedAt, &o.closedAt, &o.refundRequestedAt, &o.refundedAt,
		&o.returnRequestedAt, &o.restockRequestedAt, &o.reversalRequestedAt, &o.returnedAt,
	}
}

// life is what an order in a status must have been through: one of these sets
// of events.
type life []steps

// lives is the state machine as the audit understands it. An order may be
// cancelled before and after it was reserved, and may then ask for a refund. A
// return asks for its parts one after the other, and for no refund where no
// money was paid.
func lives() map[string]life {
	placed := stepsOf(contracts.OrderPlaced)
	due := placed | stepsOf(contracts.OrderPaymentDue)
	paid := due | stepsOf(contracts.OrderPaid)
	cancelled := stepsOf(contracts.OrderCancelled)
	refund := cancelled | stepsOf(contracts.OrderRefundRequested)
	completed := paid | stepsOf(contracts.OrderCompleted)
	returning := completed | stepsOf(contracts.OrderReturnRequested)
	refunding := returning | stepsOf(contracts.OrderRefundRequested)
	restock := stepsOf(contracts.OrderRestockRequested)
	reversal := restock | stepsOf(contracts.OrderPointsReversalRequested)
	returned := reversal | stepsOf(contracts.OrderReturned)
	return map[string]life{
		"PENDING":   {placed},
		"RESERVED":  {due},
		"PAID":      {paid},
		"COMPLETED": {completed},
		"REJECTED":  {placed | stepsOf(contracts.OrderRejected)},
		"CANCELLED": {placed | cancelled, due | cancelled, placed | refund, due | refund},
		"RETURNING": {returning, returning | restock, returning | reversal, refunding, refunding | restock, refunding | reversal},
		"RETURNED":  {returning | returned, refunding | returned},
	}
}

// checkOrders holds every order against its own events (invariants 7 and 8)
// and its own deadline (5).
func checkOrders(ctx context.Context, s snapshots, f *findings) error {
	log, err := readEventLog(ctx, s.order, contracts.TopicOrder, f)
	if err != nil {
		return err
	}
	returns, err := readReturns(ctx, s.order, f)
	if err != nil {
		return err
	}
	var o orderRow
	known := lives()
	err = each(ctx, s.order, selectOrders, o.fields(), func() error {
		f.checked.Orders++
		checkLife(&o, known, log[o.id], f)
		checkRefundID(&o, log[o.id], f)
		checkPrice(&o, f)
		checkDeadline(&o, f)
		checkReturn(&o, returns[o.id], f)
		delete(log, o.id)
		delete(returns, o.id)
		return nil
	})
	for id := range log {
		f.violated(Events, orderSubject(id), "events tell of it, but it does not exist")
	}
	for id, status := range returns {
		f.violated(Decisions, orderSubject(id), "its return is %s, but it does not exist", status)
	}
	return err
}

func checkLife(o *orderRow, known map[string]life, said told, f *findings) {
	want, ok := known[o.status]
	if !ok {
		f.violated(Events, orderSubject(o.id), "status %q is none", o.status)
		return
	}
	if !slices.Contains(want, said.steps) {
		f.violated(Events, orderSubject(o.id), "it is %s, but its events are: %s", o.status, said.steps.names(contracts.TopicOrder))
	}
	if int64(said.version) != o.version || said.steps.count() != int(o.version) {
		f.violated(Identity, orderSubject(o.id), "version %d, but %d events up to version %d", o.version, said.steps.count(), said.version)
	}
	checkTimes(o, said.steps, f)
}

// checkTimes holds the row's times against the events: each event about a
// status has its time, and no time is without its event.
func checkTimes(o *orderRow, said steps, f *findings) {
	for _, stamp := range []struct {
		at    int64
		event steps
	}{
		{o.reservedAt, stepsOf(contracts.OrderPaymentDue)},
		{o.paidAt, stepsOf(contracts.OrderPaid)},
		{o.completedAt, stepsOf(contracts.OrderCompleted)},
		{o.closedAt, stepsOf(contracts.OrderRejected, contracts.OrderCancelled)},
		{o.refundRequestedAt, stepsOf(contracts.OrderRefundRequested)},
		{o.returnRequestedAt, stepsOf(contracts.OrderReturnRequested)},
		{o.restockRequestedAt, stepsOf(contracts.OrderRestockRequested)},
		{o.reversalRequestedAt, stepsOf(contracts.OrderPointsReversalRequested)},
		{o.returnedAt, stepsOf(contracts.OrderReturned)},
	} {
		if (stamp.at != 0) != (said&stamp.event != 0) {
			f.violated(Identity, orderSubject(o.id), "its times do not match its events: %s", said.names(contracts.TopicOrder))
			return
		}
	}
}

// checkPrice holds an order's amounts together (3): its lines cost what it
// costs, a point pays one minor unit, and money pays the rest.
func checkPrice(o *orderRow, f *findings) {
	if cost, err := costOf(o.items); err != nil || cost != o.total {
		f.violated(Captures, orderSubject(o.id), "its lines cost %d, the order %d (%v)", cost, o.total, err)
	}
	if o.payable < 0 || o.pointsUsed < 0 || o.payable+o.pointsUsed != o.total {
		f.violated(Captures, orderSubject(o.id), "payable %d and %d points do not pay %d", o.payable, o.pointsUsed, o.total)
	}
}

// costOf adds up what the lines cost.
func costOf(items []byte) (sum int64, err error) {
	var lines []struct {
		Quantity  int64 `json:"quantity"`
		UnitPrice int64 `json:"unit_price"`
	}
	err = json.Unmarshal(items, &lines)
	for _, l := range lines {
		sum += l.Quantity * l.UnitPrice
	}
	return sum, err
}

// checkDeadline finds orders that nobody decided in time; parked ones are known.
func checkDeadline(o *orderRow, f *findings) {
	undecided := o.status == "PENDING" || o.status == "RESERVED"
	late := f.asOf.Sub(time.UnixMicro(o.deadline))
	if undecided && late > grace && !f.parked[fmt.Sprint(o.id)] {
		f.violated(Decisions, orderSubject(o.id), "still %s, %s past its deadline", o.status, late.Round(time.Second))
	}
}
