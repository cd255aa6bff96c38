package payment

import (
	"fmt"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/money"
)

// RefundID identifies a refund everywhere: "<order>:<why>".
type RefundID string

// Refund is money given back, or about to be. Its amount is reserved in
// Payment.Refunded as long as it exists.
type Refund struct {
	ID     RefundID
	Order  OrderID
	Status Status
	Amount money.Amount
	Ref    string // the provider's id of the refund, once known
	At     time.Time
}

// RefundChange is a refund that is no longer what it was. It stands only if the
// refund still had the status Was.
type RefundChange struct {
	Was Status
	Refund
}

// giveBack reserves the amount and returns it: at once to a wallet, by a call
// to the provider who took it from a card.
func (d *desk) giveBack(r Request) error {
	was := d.refunds[r.Refund]
	if was.Status != None && was.Amount != r.Amount {
		return fmt.Errorf("refund %s: %w: it was of another amount before", r.Refund, ErrMalformed)
	}
	switch NextOfRefund(was.Status, r.event()).Do {
	case Settle:
		return d.settleRefund(r)
	case Repeat:
		d.tellRefund(was)
	}
	return nil
}

func (d *desk) settleRefund(r Request) error {
	p := d.payments[r.Order]
	if err := refundable(p, r); err != nil {
		return err
	}
	refund := Refund{ID: r.Refund, Order: r.Order, Amount: r.Amount, Status: Refunded, At: d.at}
	if amount := r.Amount.Minor(); amount > 0 {
		p.Refunded = money.Of(p.Refunded.Minor()+amount, r.Amount.Currency())
		d.payments[p.Order] = p // no change of status: what is stored is Reserved
		d.out.Reserved[p.Order] += amount
		refund.Status = d.pay(r, p, refund)
	}
	d.refunds[refund.ID] = refund
	d.out.Refunds = append(d.out.Refunds, refund)
	if refund.Status == Refunded {
		d.tellRefund(refund)
	}
	return nil
}

// pay gives back to where the money came from and tells how far that got.
func (d *desk) pay(r Request, p Payment, refund Refund) Status {
	if p.Method == contracts.MethodCard {
		d.out.Calls = append(d.out.Calls, refundCall(refund, p.Charge))
		return Pending
	}
	d.wallets[r.wallet()] += r.Amount.Minor()
	d.out.Given[r.wallet()] += r.Amount.Minor()
	d.out.Entries = append(d.out.Entries, walletRefundEntry(refund, p.User))
	return Refunded
}

func refundable(p Payment, r Request) error {
	left := p.Captured.Minor() - p.Refunded.Minor()
	switch {
	case p.Status != Captured, p.Captured.Currency() != r.Amount.Currency(), r.Amount.Minor() > left:
		return fmt.Errorf("refund %s: %w", r.Refund, ErrNotRefundable)
	case p.User != r.User:
		return fmt.Errorf("refund %s: %w: somebody else paid", r.Refund, ErrMalformed)
	}
	return nil
}

func (d *desk) tellRefund(r Refund) {
	if key := refundKey(r.ID); !d.told[key] {
		d.told[key] = true
		d.out.RefundReplies = append(d.out.RefundReplies, r)
	}
}
