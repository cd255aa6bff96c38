package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/internal/audit"
	"souk.example/internal/audit/statement"
)

const (
	carded   = 2001 // a completed order that was paid by card
	declined = 2002 // one whose card was declined
	late     = 2003 // one that was cancelled as its card was charged, and refunded
)

// bank is a payment provider's record.
type bank struct {
	charges []statement.Charge
	refunds []statement.Refund
	failure error  // instead of an answer
	asked   func() // before each answer, if set
}

func (b *bank) Charges(_ context.Context, visit func(statement.Charge) error) error {
	if b.asked != nil {
		b.asked()
	}
	var err error
	for _, c := range b.charges {
		err = errors.Join(err, visit(c))
	}
	return errors.Join(err, b.failure)
}

func (b *bank) Refunds(_ context.Context, visit func(statement.Refund) error) error {
	var err error
	for _, r := range b.refunds {
		err = errors.Join(err, visit(r))
	}
	return err
}

func (b *bank) charge(reference, status string) {
	b.charges = append(b.charges, statement.Charge{ID: fmt.Sprintf("ch_%d", len(b.charges)+1), Reference: reference, Amount: price, Currency: "CNY", Status: status})
}

func (b *bank) refund(reference, charge string) {
	b.refunds = append(b.refunds, statement.Refund{ID: fmt.Sprintf("re_%d", len(b.refunds)+1), Charge: charge, Reference: reference, Amount: price, Currency: "CNY", Status: statement.Succeeded})
}

// cardShop holds an order by card of every outcome beside the others, and the
// provider's record of them.
func cardShop(t *testing.T) (*shop, *bank) {
	t.Helper()
	s, b := fullShop(t), &bank{}
	s.provider = b
	s.completed(carded)
	s.cancelled(declined)
	s.refunded(late)
	for i, id := range []int64{declined, carded, late} {
		s.byCard(id, fmt.Sprintf("ch_%d", i+1))
	}
	b.charge(fmt.Sprint(declined), "failed")
	b.charge(fmt.Sprint(carded), statement.Succeeded)
	b.charge(fmt.Sprint(late), statement.Succeeded)
	b.refund(contracts.RefundLate(late), "ch_3")
	s.exec(s.payment, "UPDATE refund SET provider_ref = 're_1' WHERE order_id = ?", late)
	return s, b
}

// byCard makes what the wallet paid and got back the provider's affair.
func (s *shop) byCard(id int64, charge string) {
	s.t.Helper()
	s.exec(s.payment, "UPDATE payment SET method = 'card', provider_ref = ? WHERE order_id = ?", charge, id)
	for _, move := range []struct {
		column, cause string
		sign          int64
	}{{"debit_account", fmt.Sprintf("capture:%d", id), 1}, {"credit_account", "refund:" + contracts.RefundLate(id), -1}} {
		n, err := s.payment.Exec(s.t.Context(), "UPDATE ledger_entry SET "+move.column+" = 'psp' WHERE cause = ?", move.cause)
		if err != nil {
			s.t.Fatal(err)
		}
		if n > 0 {
			s.exec(s.payment, "UPDATE wallet SET balance = balance + ?", move.sign*price)
		}
	}
}

func TestAGoodShopAgreesWithItsProvider(t *testing.T) {
	s, _ := cardShop(t)
	report, err := s.audit()
	if err != nil || !report.Clean || !report.AtRest || report.Checked.Charges != 2 {
		t.Errorf("%v, %+v", err, report)
	}
}

// Each of these is a difference between an otherwise good shop and its provider.
func TestEveryDisagreementWithTheProviderIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		plant     func(*shop, *bank)
		invariant audit.Invariant
		subject   string
	}{
		"an order charged twice": {
			func(_ *shop, b *bank) { b.charge(fmt.Sprint(carded), statement.Succeeded) },
			audit.Captures, orderName(carded),
		},
		"a charge without a payment": {
			func(_ *shop, b *bank) { b.charge(fmt.Sprint(stranger), statement.Succeeded) },
			audit.Captures, orderName(stranger),
		},
		"a charge without a payment, of which a part was given back": {
			func(_ *shop, b *bank) {
				b.charge(fmt.Sprint(stranger), statement.Succeeded)
				b.refund("by hand", "ch_4")
				b.refunds[1].Amount--
			},
			audit.Captures, orderName(stranger),
		},
		"a charge for what the wallet paid": {
			func(_ *shop, b *bank) { b.charge(fmt.Sprint(good), statement.Succeeded) },
			audit.Captures, orderName(good),
		},
		"a charge of no order": {
			func(_ *shop, b *bank) { b.charge("lunch", statement.Succeeded) },
			audit.Captures, "charge ch_4",
		},
		"a charge that payment believes declined": {
			func(_ *shop, b *bank) { b.charges[0].Status = statement.Succeeded },
			audit.Captures, orderName(declined),
		},
		"a capture that the provider knows nothing of": {
			func(_ *shop, b *bank) { b.charges[1].Status = "failed" },
			audit.Captures, orderName(carded),
		},
		"a charge of another amount": {
			func(_ *shop, b *bank) { b.charges[1].Amount++ },
			audit.Captures, orderName(carded),
		},
		"a charge in another currency": {
			func(_ *shop, b *bank) { b.charges[1].Currency = "EUR" },
			audit.Captures, orderName(carded),
		},
		"a charge of another amount that payment cannot believe": {
			func(s *shop, b *bank) {
				s.waits(carded)
				b.charges[1].Amount++
			},
			audit.Captures, orderName(carded),
		},
		"a refund that the provider knows nothing of": {
			func(_ *shop, b *bank) { b.refunds = nil },
			audit.Captures, "refund 2003:late",
		},
		"a refund of another amount": {
			func(_ *shop, b *bank) { b.refunds[0].Amount-- },
			audit.Captures, "refund 2003:late",
		},
		"a refund that nobody asked for": {
			func(_ *shop, b *bank) { b.refund("2001:late", "ch_2") },
			audit.Captures, "refund 2001:late",
		},
		"one refund made twice": {
			func(_ *shop, b *bank) { b.refund("2003:late", "ch_3") },
			audit.Captures, "refund 2003:late",
		},
		"a charge that payment knows by another id": {
			func(_ *shop, b *bank) { b.charges[1].ID = "ch_9" },
			audit.Captures, orderName(carded),
		},
		"a refund of what another order was charged": {
			func(_ *shop, b *bank) { b.refunds[0].Charge = "ch_2" },
			audit.Captures, "refund 2003:late",
		},
		"a refund that payment knows by another id": {
			func(_ *shop, b *bank) { b.refunds[0].ID = "re_9" },
			audit.Captures, "refund 2003:late",
		},
		"a ledger that took another account for the provider's": {
			func(s *shop, _ *bank) {
				s.exec(s.payment, "UPDATE ledger_entry SET debit_account = 'cash' WHERE cause = 'capture:2001'")
			},
			audit.Ledger, "account psp",
		},
		"a payment that waits for a call nobody will make": {
			func(s *shop, _ *bank) {
				s.exec(s.payment, "UPDATE payment SET status = 'UNKNOWN' WHERE order_id = ?", declined)
			},
			audit.Decisions, orderName(declined),
		},
		"a refund that waits for a call nobody will make": {
			func(s *shop, _ *bank) {
				s.exec(s.payment, "UPDATE refund SET status = 'PENDING' WHERE order_id = ?", late)
			},
			audit.Decisions, orderName(late),
		},
		"a call for a payment that is over": {
			func(s *shop, _ *bank) { s.call(carded, fmt.Sprint(carded), "charge") },
			audit.Decisions, orderName(carded),
		},
		"a call for a refund that is over": {
			func(s *shop, _ *bank) { s.call(late, contracts.RefundLate(late), "refund") },
			audit.Decisions, orderName(late),
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := cardShop(t)
			c.plant(s, b)
			report, err := s.audit()
			if err != nil || report.Clean || !names(report, c.invariant, c.subject) {
				t.Errorf("%v, want %s of %s among %+v", err, c.invariant, c.subject, report.Violations)
			}
		})
	}
}

func (s *shop) call(order int64, key, kind string) {
	s.t.Helper()
	s.insert(s.payment, "provider_call", row{
		"call_key": key, "kind": kind, "order_id": order, "amount": price, "currency": "CNY", "instrument": "tok", "attempts": 1, "owner": "", "due_at": 1,
	})
}

// waits makes a payment one that has yet to hear from the provider.
func (s *shop) waits(id int64) {
	s.t.Helper()
	s.exec(s.payment, "UPDATE payment SET status = 'UNKNOWN', captured = 0 WHERE order_id = ?", id)
	s.call(id, fmt.Sprint(id), "charge")
}

// Who restores a backup gives back by hand what was charged for orders since.
func TestAChargeThatWasGivenBackByHandIsNoDisagreement(t *testing.T) {
	s, b := cardShop(t)
	b.charge(fmt.Sprint(stranger), statement.Succeeded)
	b.refund("by hand", "ch_4")
	b.charges[0].Status = statement.Succeeded // of an order that is cancelled since
	b.refund("by hand, too", "ch_1")
	report, err := s.audit()
	if err != nil || !report.Clean || !report.AtRest {
		t.Errorf("%v, %+v", err, report)
	}
}

// While payment waits for the provider's word, there may be a charge or not.
func TestWhatWaitsForTheProviderIsNoDisagreement(t *testing.T) {
	for _, status := range []string{"processing", statement.Succeeded} {
		s, b := cardShop(t)
		s.waits(carded)
		b.charges[1].Status = status
		report, err := s.audit()
		if err != nil || report.AtRest || names(report, audit.Captures, "charge") || names(report, audit.Ledger, "account psp") {
			t.Errorf("%s: %v, %+v", status, err, report)
		}
		for _, v := range report.Violations {
			if strings.Contains(v.Detail, "provider") {
				t.Errorf("%s: %+v", status, v)
			}
		}
	}
}

// The provider's word may be on its way through every pass but the last.
func TestAWordThatArrivesClearsTheDifference(t *testing.T) {
	s, b := cardShop(t)
	s.wait = time.Minute
	b.charge(fmt.Sprint(stranger), statement.Succeeded)
	asked := 0
	b.asked = func() {
		if asked++; asked == 3 {
			b.charges = b.charges[:3]
		}
	}
	report, err := s.audit()
	if err != nil || !report.Clean || asked != 3 {
		t.Errorf("%v, asked %d times, %+v", err, asked, report)
	}
}

func TestWithoutTheProvidersRecordNothingIsClean(t *testing.T) {
	for name, provider := range map[string]audit.Provider{"nobody knows one": nil, "it does not answer": &bank{failure: errors.New("down")}} {
		s, _ := cardShop(t)
		s.provider = provider
		if _, err := s.audit(); err == nil || !strings.Contains(err.Error(), "could not check") {
			t.Errorf("%s: %v", name, err)
		}
		s = fullShop(t)
		s.provider = provider
		if report, err := s.audit(); err != nil || !report.Clean {
			t.Errorf("%s, but no card was charged: %v, %+v", name, err, report)
		}
	}
}
