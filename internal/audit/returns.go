package audit

import (
	"context"
	"strconv"

	"souk.example/contracts"
)

// readReturns is how the saga of each order's return stands. Stuck ones wait
// for an operator, and are counted apart.
func readReturns(ctx context.Context, q querier, f *findings) (map[int64]string, error) {
	returns := map[int64]string{}
	var id, status string
	err := each(ctx, q, "SELECT id, status FROM saga WHERE type = 'return'", []any{&id, &status}, func() error {
		if status == "STUCK" {
			f.stuck++
		}
		if order, err := strconv.ParseInt(id, 10, 64); err == nil {
			returns[order] = status
		} else {
			f.violated(Decisions, "saga "+id, "it is the return of no order")
		}
		return nil
	})
	return returns, err
}

// checkReturn holds an order against the saga of its return (5): there is one
// that goes on, or waits for an operator, exactly while the order is RETURNING.
func checkReturn(o *orderRow, saga string, f *findings) {
	var agreed bool
	switch o.status {
	case "RETURNING":
		agreed = saga == "RUNNING" || saga == "STUCK"
	case "RETURNED":
		agreed = saga == "COMPLETED"
	default:
		agreed = saga == ""
	}
	if !agreed {
		f.violated(Decisions, orderSubject(o.id), "it is %s, the saga of its return is %q", o.status, saga)
	}
}

// The refunds that an order may ask for, as bits.
const (
	refundLate uint8 = 1 << iota
	refundReturn
	refundOther
)

// refundOf is which refund of an order an id names.
func refundOf(order int64, id string) uint8 {
	switch id {
	case contracts.RefundLate(order):
		return refundLate
	case contracts.RefundReturn(order):
		return refundReturn
	}
	return refundOther
}

// checkRefundID holds the refunds that an order asked for against its status
// (3): whatever is asked for under two ids may be given twice.
func checkRefundID(o *orderRow, said told, f *findings) {
	may := refundReturn
	if o.status == "CANCELLED" {
		may = refundLate
	}
	if said.refunds&^may != 0 {
		f.violated(Captures, orderSubject(o.id), "it is %s, and asked for its refund under another id", o.status)
	}
}

// compareReturn holds the points of an order against its return (4): what it
// earned and used is undone exactly when it is RETURNED.
func compareReturn(o *orderRow, p *pointsRow, f *findings) {
	reversed := p != nil && p.reversed != 0
	switch {
	case o.status == "RETURNED" && !reversed:
		f.suspect(Ledger, o.id, "it is RETURNED, and has kept its points")
	case reversed && o.status != "RETURNED" && o.status != "RETURNING":
		f.suspect(Ledger, o.id, "its points were reversed: order %s", o.status)
	}
}
