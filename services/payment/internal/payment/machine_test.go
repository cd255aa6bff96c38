package payment_test

import (
	"maps"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// machine applies decisions the way storage does, and checks after each step
// that the books are right.
type machine struct {
	book    payment.Book
	entries []payment.Entry
	causes  map[string]bool
	asked   map[payment.OrderID]bool
	topUps  int64
}

func newMachine() *machine {
	return &machine{
		book:   payment.Book{Payments: map[payment.OrderID]payment.Payment{}, Wallets: map[payment.WalletID]int64{}},
		causes: map[string]bool{}, asked: map[payment.OrderID]bool{},
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
		Method: rapid.SampledFrom([]string{"wallet", "wallet", "card"}).Draw(t, "method"),
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
	requests := rapid.SliceOfN(rapid.Custom(drawRequest), 1, 8).Draw(t, "requests")
	whole, err := payment.Decide(requests, m.book, at)
	single, singleErr := m.oneByOne(requests)
	if (err == nil) != (singleErr == nil) {
		t.Fatalf("as a batch %v, one by one %v", err, singleErr)
	}
	if err != nil {
		if !payment.IsImpossible(err) {
			t.Fatal(err)
		}
		return // nothing of the batch may stand
	}
	if !reflect.DeepEqual(whole.Payments, single.Payments) || !maps.Equal(whole.Taken, single.Taken) {
		t.Fatalf("as a batch %+v, one by one %+v", whole, single)
	}
	m.checkReplies(t, requests, whole)
	m.apply(t, requests, whole)
}

func (m *machine) oneByOne(requests []payment.Request) (all payment.Decisions, err error) {
	book := payment.Book{Payments: maps.Clone(m.book.Payments), Wallets: maps.Clone(m.book.Wallets)}
	all.Taken = map[payment.WalletID]int64{}
	for _, r := range requests {
		d, err := payment.Decide([]payment.Request{r}, book, at)
		if err != nil {
			return payment.Decisions{}, err
		}
		for _, p := range d.Payments {
			book.Payments[p.Order] = p
			all.Payments = append(all.Payments, p)
		}
		for w, amount := range d.Taken {
			book.Wallets[w] -= amount
			all.Taken[w] += amount
		}
	}
	return all, nil
}

// checkReplies: order is told of every new decision, and of an old one only
// when it says that it still waits; never otherwise than recorded.
func (m *machine) checkReplies(t *rapid.T, requests []payment.Request, d payment.Decisions) {
	want := map[payment.OrderID]payment.Payment{}
	for _, p := range d.Payments {
		if p.Status != payment.Voided {
			want[p.Order] = p
		}
	}
	for _, r := range requests {
		was, decided := m.book.Payments[r.Order]
		if decided && r.Nudged && r.Action == payment.Capture && was.Status != payment.Voided {
			want[r.Order] = was
		}
	}
	got := map[payment.OrderID]payment.Payment{}
	for _, p := range d.Replies {
		got[p.Order] = p
	}
	if len(got) != len(d.Replies) || !maps.Equal(got, want) {
		t.Fatalf("told %+v, want %+v", d.Replies, want)
	}
}

func (m *machine) apply(t *rapid.T, requests []payment.Request, d payment.Decisions) {
	for _, r := range requests {
		m.asked[r.Order] = true
	}
	for _, p := range d.Payments {
		if was, decided := m.book.Payments[p.Order]; decided {
			t.Fatalf("order %d was %s and is decided again: %s", p.Order, was.Status, p.Status)
		}
		m.book.Payments[p.Order] = p
	}
	for _, e := range d.Entries {
		m.write(t, e)
	}
	for w, amount := range d.Taken {
		m.book.Wallets[w] -= amount
	}
}

// Check holds the invariants.
func (m *machine) Check(t *rapid.T) {
	fold := map[payment.WalletID]int64{}
	paid := map[money.Currency]int64{}
	for _, e := range m.entries {
		if e.Amount.Minor() <= 0 {
			t.Fatalf("entry %+v moves nothing", e)
		}
		for user := payment.UserID(1); user <= 3; user++ {
			w := payment.WalletID{User: user, Currency: e.Amount.Currency()}
			if e.Credit == w.Account() {
				fold[w] += e.Amount.Minor()
			}
			if e.Debit == w.Account() {
				fold[w] -= e.Amount.Minor()
			}
		}
		if e.Credit == payment.Sales {
			paid[e.Amount.Currency()] += e.Amount.Minor()
		}
	}
	for w, balance := range m.book.Wallets {
		if balance != fold[w] || balance < 0 {
			t.Fatalf("wallet %v holds %d, its ledger says %d", w, balance, fold[w])
		}
	}
	for _, p := range m.book.Payments {
		paid[p.Captured.Currency()] -= p.Captured.Minor()
		if !p.Captured.IsZero() && p.Captured != p.Amount || (p.Status != payment.Captured && !p.Captured.IsZero()) {
			t.Fatalf("payment %+v took neither all nor nothing", p)
		}
	}
	for currency, left := range paid {
		if left != 0 {
			t.Fatalf("sales differ from captures by %d %s", left, currency)
		}
	}
	if len(m.asked) != len(m.book.Payments) {
		t.Fatalf("%d orders asked, %d decided", len(m.asked), len(m.book.Payments))
	}
}

func TestDecideKeepsTheBooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		t.Repeat(rapid.StateMachineActions(newMachine()))
	})
}
