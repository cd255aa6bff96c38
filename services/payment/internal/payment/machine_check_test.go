package payment_test

import (
	"slices"
	"strconv"

	"pgregory.net/rapid"

	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// Check holds the invariants.
func (m *machine) Check(t *rapid.T) {
	m.checkLedger(t)
	for _, p := range m.book.Payments {
		m.checkPayment(t, p)
	}
	for key, c := range m.calls {
		open := m.book.Payments[c.Order].Status.Open()
		if c.Kind == payment.Return {
			open = m.book.Refunds[payment.RefundID(key)].Status.Open()
		}
		if !open {
			t.Fatalf("call %+v is of nothing open", c)
		}
	}
	asked := 0
	for _, ok := range m.asked {
		if ok {
			asked++
		}
	}
	if asked != len(m.book.Payments) {
		t.Fatalf("%d orders asked, %d decided", asked, len(m.book.Payments))
	}
}

// checkPayment: all or nothing, never more back than was taken, and never
// otherwise than the provider has ever said.
func (m *machine) checkPayment(t *rapid.T, p payment.Payment) {
	key := strconv.FormatInt(int64(p.Order), 10)
	reserved := int64(0)
	for _, r := range m.book.Refunds {
		if r.Order == p.Order {
			reserved += r.Amount.Minor()
		}
	}
	_, called := m.calls[key]
	theirs := m.psp.charges[key]
	byCard := p.Method == "card" && p.Amount.Minor() > 0
	told := m.told[p.Order]
	_, waits := p.WaitsSince()
	switch {
	case waits != (p.Status == payment.Captured && m.ended[p.Order] && p.Captured.Minor() > 0 && reserved == 0):
		t.Fatalf("payment %+v waits for a refund: %t, cancelled: %t, refunds of %d", p, waits, m.ended[p.Order], reserved)
	case (p.Status == payment.Captured) != (p.Captured == p.Amount && p.Status != payment.Voided) && !p.Amount.IsZero(), !p.Captured.IsZero() && p.Captured != p.Amount:
		t.Fatalf("payment %+v took neither all nor nothing", p)
	case p.Refunded.Minor() != reserved, reserved < 0, reserved > p.Captured.Minor():
		t.Fatalf("payment %+v has refunds of %d", p, reserved)
	case p.Status.Open() != called:
		t.Fatalf("payment %+v, call %t", p, called)
	case p.Status == payment.Voided && (theirs != nil || len(told) > 0):
		t.Fatalf("payment %+v is void, the provider has %+v, order was told %v", p, theirs, told)
	case byCard && p.Status == payment.Captured && (theirs == nil || theirs.status != payment.Succeeded || theirs.id != p.Charge):
		t.Fatalf("payment %+v, the provider has %+v", p, theirs)
	case p.Status == payment.Failed && p.Charge != "" && (theirs == nil || !theirs.failed):
		t.Fatalf("payment %+v, the provider has %+v", p, theirs)
	case (p.Status == payment.Captured || p.Status == payment.Failed) && (len(told) == 0 || told[len(told)-1] != p.Status):
		t.Fatalf("payment %+v, order was told %v", p, told)
	case slices.Contains(told, payment.Captured) && p.Status != payment.Captured:
		t.Fatalf("payment %+v, order was told %v", p, told)
	}
}

// checkLedger: every entry moves something, wallets are what it says, and so is
// what came in from and went back to wallets and the provider.
func (m *machine) checkLedger(t *rapid.T) {
	type account struct {
		name     payment.Account
		currency money.Currency
	}
	fold := map[account]int64{}
	for _, e := range m.entries {
		if e.Amount.Minor() <= 0 {
			t.Fatalf("entry %+v moves nothing", e)
		}
		fold[account{e.Credit, e.Amount.Currency()}] += e.Amount.Minor()
		fold[account{e.Debit, e.Amount.Currency()}] -= e.Amount.Minor()
	}
	for w, balance := range m.book.Wallets {
		if balance != fold[account{w.Account(), w.Currency}] || balance < 0 {
			t.Fatalf("wallet %v holds %d, its ledger says %d", w, balance, fold[account{w.Account(), w.Currency}])
		}
	}
	for _, p := range m.book.Payments {
		fold[account{payment.Sales, p.Captured.Currency()}] -= p.Captured.Minor()
		if p.Charge != "" {
			fold[account{payment.PSP, p.Captured.Currency()}] += p.Captured.Minor()
		}
	}
	for _, r := range m.book.Refunds {
		if r.Status != payment.Refunded {
			continue
		}
		fold[account{payment.Sales, r.Amount.Currency()}] += r.Amount.Minor()
		if r.Ref != "" {
			fold[account{payment.PSP, r.Amount.Currency()}] -= r.Amount.Minor()
		}
	}
	for _, a := range []payment.Account{payment.Sales, payment.PSP} {
		for _, currency := range []money.Currency{"CNY", "EUR"} {
			if left := fold[account{a, currency}]; left != 0 {
				t.Fatalf("%s differs from payments and refunds by %d %s", a, left, currency)
			}
		}
	}
}
