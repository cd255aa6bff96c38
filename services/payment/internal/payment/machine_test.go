package payment_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"souk.example/pkg/config"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// machine is payment with a provider and a network between them that loses,
// repeats and reorders. It applies decisions and rulings the way storage does,
// and checks after each step that the books are right.
type machine struct {
	book    payment.Book
	entries []payment.Entry
	causes  map[string]bool
	asked   map[payment.OrderID]bool
	ended   map[payment.OrderID]bool // order said that it is cancelled
	topUps  int64

	calls  map[string]payment.Call // that wait or are made, with their claim
	claims int
	made   []payment.Call // claimed at some time: any of them may reach the provider yet
	sent   map[payment.ClaimID]bool
	psp    provider
	heard  []payment.Word // said at some time: any of it may arrive, again and late
	told   map[payment.OrderID][]payment.Status
}

func newMachine() *machine {
	return &machine{
		book: payment.Book{
			Payments: map[payment.OrderID]payment.Payment{}, Wallets: map[payment.WalletID]int64{}, Refunds: map[payment.RefundID]payment.Refund{},
		},
		causes: map[string]bool{}, asked: map[payment.OrderID]bool{}, ended: map[payment.OrderID]bool{}, calls: map[string]payment.Call{}, sent: map[payment.ClaimID]bool{},
		psp: provider{charges: map[string]*charge{}, refunds: map[string]*charge{}}, told: map[payment.OrderID][]payment.Status{},
	}
}

func drawWallet(t *rapid.T) payment.WalletID {
	return payment.WalletID{
		User:     payment.UserID(rapid.IntRange(1, 3).Draw(t, "user")),
		Currency: rapid.SampledFrom([]money.Currency{"CNY", "EUR"}).Draw(t, "currency"),
	}
}

func drawRequest(t *rapid.T) payment.Request {
	w := drawWallet(t)
	return payment.Request{
		Order:  payment.OrderID(rapid.IntRange(1, 12).Draw(t, "order")),
		User:   w.User,
		Action: rapid.SampledFrom([]payment.Action{payment.Capture, payment.Capture, payment.Capture, payment.Void}).Draw(t, "action"),
		Amount: money.Of(rapid.Int64Range(0, 60).Draw(t, "amount"), w.Currency),
		Method: rapid.SampledFrom([]string{"wallet", "card", "card", "barter"}).Draw(t, "method"),
		Token:  config.Secret(rapid.SampledFrom([]string{"tok", "tok", "tok", ""}).Draw(t, "token")),
		Nudged: rapid.Bool().Draw(t, "nudged"),
	}
}

func (m *machine) write(t *rapid.T, e payment.Entry) {
	if m.causes[e.Cause] {
		t.Fatalf("%s moves money twice", e.Cause)
	}
	m.causes[e.Cause] = true
	m.entries = append(m.entries, e)
}

func (m *machine) TopUp(t *rapid.T) {
	w := drawWallet(t)
	amount := money.Of(rapid.Int64Range(1, 100).Draw(t, "amount"), w.Currency)
	m.topUps++
	m.write(t, payment.Deposit{TopUp: payment.TopUp{User: w.User, Amount: amount}, ID: m.topUps, At: at}.Entry())
	m.book.Wallets[w] += amount.Minor()
}

// Settle decides a batch at once and, from the same book, one by one: a batch
// is only an optimisation.
func (m *machine) Settle(t *rapid.T) {
	m.settle(t, rapid.SliceOfN(rapid.Custom(drawRequest), 1, 8).Draw(t, "requests"))
}

// Refund asks for a part of some payment back, or for more than there is.
func (m *machine) Refund(t *rapid.T) {
	order := payment.OrderID(rapid.IntRange(1, 12).Draw(t, "order"))
	p := m.book.Payments[order]
	id := payment.RefundID(fmt.Sprintf("%d:%s", order, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "refund")))
	m.settle(t, []payment.Request{{
		Order: order, User: p.User, Action: payment.GiveBack, Refund: id, Nudged: rapid.Bool().Draw(t, "nudged"),
		Amount: money.Of(rapid.Int64Range(0, max(p.Amount.Minor(), 1)).Draw(t, "amount"), p.Amount.Currency()),
	}})
}

func (m *machine) settle(t *rapid.T, requests []payment.Request) {
	whole, err := payment.Decide(requests, m.book, withCards, at)
	single := m.copy()
	for _, r := range requests {
		d, singleErr := payment.Decide([]payment.Request{r}, single.book, withCards, at)
		if singleErr != nil {
			if err == nil || !payment.IsImpossible(singleErr) {
				t.Fatalf("as a batch %v, one by one %v", err, singleErr)
			}
			return // nothing of the batch may stand
		}
		single.apply(t, d)
	}
	if err != nil {
		t.Fatalf("as a batch %v, one by one nothing", err)
	}
	for _, r := range requests {
		m.asked[r.Order] = m.asked[r.Order] || r.Action != payment.GiveBack
		m.ended[r.Order] = m.ended[r.Order] || r.Action == payment.Void
	}
	m.checkReplies(t, requests, whole)
	m.apply(t, whole)
	if !reflect.DeepEqual(m.book, single.book) || !maps.Equal(m.calls, single.calls) || len(m.entries) != len(single.entries) {
		t.Fatalf("as a batch %+v with %v, one by one %+v with %v", m.book, m.calls, single.book, single.calls)
	}
}

func (m *machine) copy() *machine {
	c := *m
	c.book = payment.Book{Payments: maps.Clone(m.book.Payments), Wallets: maps.Clone(m.book.Wallets), Refunds: maps.Clone(m.book.Refunds)}
	c.causes, c.calls, c.told = maps.Clone(m.causes), maps.Clone(m.calls), maps.Clone(m.told)
	c.entries = slices.Clone(m.entries)
	return &c
}

// checkReplies: order is told of every decision that is one, and of an old one
// only when it says that it still waits.
func (m *machine) checkReplies(t *rapid.T, requests []payment.Request, d payment.Decisions) {
	want := map[payment.OrderID]bool{}
	for _, p := range d.Payments {
		if p.Status == payment.Captured || p.Status == payment.Failed {
			want[p.Order] = true
		}
	}
	for _, r := range requests {
		was := m.book.Payments[r.Order].Status
		if r.Nudged && r.Action == payment.Capture && (was == payment.Captured || was == payment.Failed) {
			want[r.Order] = true
		}
	}
	got := map[payment.OrderID]bool{}
	for _, p := range d.Replies {
		got[p.Order] = true
	}
	if len(got) != len(d.Replies) || !maps.Equal(got, want) {
		t.Fatalf("told %+v, want %+v", d.Replies, want)
	}
}

// apply stores decisions under the conditions under which storage does.
func (m *machine) apply(t *rapid.T, d payment.Decisions) {
	for _, p := range d.Payments {
		if was, decided := m.book.Payments[p.Order]; decided {
			t.Fatalf("order %d was %s and is decided again: %s", p.Order, was.Status, p.Status)
		}
		m.book.Payments[p.Order] = p
	}
	m.change(t, d.Changes)
	for order, amount := range d.Reserved {
		p := m.book.Payments[order]
		p.Refunded = money.Of(p.Refunded.Minor()+amount, p.Amount.Currency())
		m.book.Payments[order] = p
	}
	for _, r := range d.Refunds {
		m.book.Refunds[r.ID] = r
	}
	for _, key := range d.Dropped {
		delete(m.calls, key)
	}
	for _, c := range d.Calls {
		m.calls[c.Key] = c
	}
	for _, e := range d.Entries {
		m.write(t, e)
	}
	for w, amount := range d.Given {
		m.book.Wallets[w] += amount
	}
	for w, amount := range d.Taken {
		m.book.Wallets[w] -= amount
	}
	m.tell(d.Replies)
}

func (m *machine) change(t *rapid.T, changes []payment.Change) {
	for _, c := range changes {
		was := m.book.Payments[c.Order]
		if was.Status != c.Was {
			t.Fatalf("order %d was %s, not %s", c.Order, was.Status, c.Was)
		}
		c.Refunded = was.Refunded // is not changed by this
		m.book.Payments[c.Order] = c.Payment
	}
}

func (m *machine) tell(replies []payment.Payment) {
	for _, p := range replies {
		m.told[p.Order] = append(slices.Clone(m.told[p.Order]), p.Status)
	}
}

// The suites add up to 10,000 sequences.
func TestPaymentsAgreeWithTheProvider(t *testing.T) {
	suites := 100
	if testing.Short() {
		suites = 5
	}
	for range suites {
		rapid.Check(t, func(t *rapid.T) {
			m := newMachine()
			t.Repeat(rapid.StateMachineActions(m))
			m.comeToRest(t)
		})
	}
}
