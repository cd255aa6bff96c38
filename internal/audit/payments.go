package audit

import (
	"context"
	"strconv"
	"strings"

	"souk.example/contracts"
)

// paymentRow is the part of a row of payment that the audit looks at.
type paymentRow struct {
	order, user                int64
	status                     string
	amount, captured, refunded int64
	currency                   string
}

const selectPayments = "SELECT order_id, user_id, status, amount, captured, refunded, currency FROM payment ORDER BY order_id"

func (p *paymentRow) id() int64 { return p.order }

func (p *paymentRow) fields() []any {
	return []any{&p.order, &p.user, &p.status, &p.amount, &p.captured, &p.refunded, &p.currency}
}

// checkPayments holds every payment against itself (3) and against what
// payment told the world about it (7).
func checkPayments(ctx context.Context, s snapshots, f *findings) error {
	log, err := readEventLog(ctx, s.payment, contracts.TopicPayment, f)
	if err != nil {
		return err
	}
	moved, err := readCaptures(ctx, s.payment, f)
	if err != nil {
		return err
	}
	var p paymentRow
	refunds, err := readRefunds(ctx, s.payment, f)
	if err != nil {
		return err
	}
	err = each(ctx, s.payment, selectPayments, p.fields(), func() error {
		f.checked.Payments++
		checkCapture(&p, f)
		if moved[p.order] != p.captured {
			f.violated(Ledger, orderSubject(p.order), "captured %d, the ledger moved %d", p.captured, moved[p.order])
		}
		delete(moved, p.order)
		checkRefunds(&p, refunds[p.order], f)
		said := log[p.order].steps
		checkAnswer("payment", p.order, said, expectedPaymentAnswer(&p, said, refunds[p.order]), f)
		delete(log, p.order)
		delete(refunds, p.order)
		return nil
	})
	for id := range refunds {
		f.violated(Captures, orderSubject(id), "it was refunded, but there is no payment")
	}
	for id, said := range log {
		checkAnswer("payment", id, said.steps, 0, f)
	}
	for id, amount := range moved {
		f.violated(Ledger, orderSubject(id), "the ledger moved %d, but there is no payment", amount)
	}
	return err
}

// readCaptures is what the ledger moved for each order. An entry's cause names
// the order and is unique, so an order is charged at most once.
func readCaptures(ctx context.Context, q querier, f *findings) (map[int64]int64, error) {
	moved := map[int64]int64{}
	var cause string
	var amount int64
	err := each(ctx, q, "SELECT cause, amount FROM ledger_entry WHERE cause LIKE 'capture:%'", []any{&cause, &amount}, func() error {
		if order, ok := orderCharged(cause); ok {
			moved[order] += amount
		} else {
			f.violated(Ledger, "ledger entry "+cause, "it names no order")
		}
		return nil
	})
	return moved, err
}

func orderCharged(cause string) (order int64, ok bool) {
	order, err := strconv.ParseInt(strings.TrimPrefix(cause, "capture:"), 10, 64)
	return order, err == nil
}

func checkCapture(p *paymentRow, f *findings) {
	switch {
	case p.captured != 0 && p.captured != p.amount:
		f.violated(Captures, orderSubject(p.order), "captured %d of %d: it must be all or nothing", p.captured, p.amount)
	case p.refunded < 0 || p.refunded > p.captured:
		f.violated(Captures, orderSubject(p.order), "refunded %d of %d captured", p.refunded, p.captured)
	case p.status == statusCaptured && p.captured != p.amount:
		f.violated(Captures, orderSubject(p.order), "it is %s, but captured %d of %d", p.status, p.captured, p.amount)
	case p.status != statusCaptured && p.captured != 0:
		f.violated(Captures, orderSubject(p.order), "it is %s, but captured %d", p.status, p.captured)
	}
}

// The statuses of a payment that mean that payment has answered.
const (
	statusCaptured = "CAPTURED"
	statusFailed   = "FAILED"
)

// expectedPaymentAnswer is what a payment in this status was answered with:
// nothing while it is under way, or was voided before it began. A provider may
// take a failure back; then both stand.
func expectedPaymentAnswer(p *paymentRow, said steps, r refunds) steps {
	var want steps
	switch p.status {
	case statusCaptured:
		want = stepsOf(contracts.PaymentCaptured) | said&stepsOf(contracts.PaymentFailed)
	case statusFailed:
		want = stepsOf(contracts.PaymentFailed)
	}
	if r.done > 0 {
		want |= stepsOf(contracts.PaymentRefunded)
	}
	return want
}
