package audit

import (
	"context"

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
	var p paymentRow
	err = each(ctx, s.payment, selectPayments, p.fields(), func() error {
		f.checked.Payments++
		checkCapture(&p, f)
		checkAnswer("payment", p.order, log[p.order].steps, expectedPaymentAnswer(p.status), f)
		delete(log, p.order)
		return nil
	})
	for id, said := range log {
		checkAnswer("payment", id, said.steps, 0, f)
	}
	return err
}

func checkCapture(p *paymentRow, f *findings) {
	switch {
	case p.captured != 0 && p.captured != p.amount:
		f.violated(Captures, orderSubject(p.order), "captured %d of %d: it must be all or nothing", p.captured, p.amount)
	case p.refunded < 0 || p.refunded > p.captured:
		f.violated(Captures, orderSubject(p.order), "refunded %d of %d captured", p.refunded, p.captured)
	case p.status == statusCaptured && p.captured != p.amount:
		f.violated(Captures, orderSubject(p.order), "it is %s, but captured %d of %d", p.status, p.captured, p.amount)
	case p.status == statusFailed && p.captured != 0:
		f.violated(Captures, orderSubject(p.order), "it is %s, but captured %d", p.status, p.captured)
	}
}

// The statuses of a payment that mean that payment has answered.
const (
	statusCaptured = "CAPTURED"
	statusFailed   = "FAILED"
)

// expectedPaymentAnswer is the event that a payment in this status was
// answered with; none while it is under way, or was voided before it began.
func expectedPaymentAnswer(status string) steps {
	switch status {
	case statusCaptured:
		return stepsOf(contracts.PaymentCaptured)
	case statusFailed:
		return stepsOf(contracts.PaymentFailed)
	}
	return 0
}
