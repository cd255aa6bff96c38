package points_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"souk.example/pkg/money"
	"souk.example/services/points/internal/points"
)

var at = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

const user = points.UserID(7)

func try(order points.OrderID, n int64) points.Request {
	return points.Request{Order: order, User: user, Action: points.Try, Points: n}
}

func paid(order points.OrderID, n, minor int64) points.Request {
	return points.Request{Order: order, User: user, Action: points.Confirm, Points: n, Paid: money.Of(minor, "CNY")}
}

func cancel(order points.OrderID) points.Request {
	return points.Request{Order: order, User: user, Action: points.Cancel}
}

func reverse(order points.OrderID) points.Request {
	return points.Request{Order: order, User: user, Action: points.Reverse}
}

func nudged(r points.Request) points.Request {
	r.Nudged = true
	return r
}

// world applies decisions the way storage does.
type world struct {
	book    points.Book
	entries []points.Entry
	awards  []points.Award
	freezes []points.Freeze

	reversals []points.Reversal
}

// newWorld is one in which user 7 has the given points.
func newWorld(balance int64) *world {
	return &world{book: points.Book{
		Awards: map[points.OrderID]points.Award{}, Entries: map[points.OrderID][]points.Entry{}, Freezes: map[points.OrderID]points.Freeze{},
		Accounts: map[points.UserID]points.Account{user: {Balance: balance}},
	}}
}

func (w *world) apply(requests ...points.Request) error {
	d, err := points.Decide(requests, w.book, points.EarnRules(), at)
	if err != nil {
		return err
	}
	for _, f := range slices.Concat(d.New, d.Changed) {
		w.book.Freezes[f.Order] = f
	}
	for id, m := range d.Moves {
		a := w.book.Accounts[id]
		w.book.Accounts[id] = points.Account{Balance: a.Balance + m.Balance, Frozen: a.Frozen + m.Frozen, Debt: a.Debt + m.Debt}
	}
	for _, e := range d.Entries {
		w.book.Entries[e.Order] = append(w.book.Entries[e.Order], e)
		if e.Rule != points.RuleRedeem && e.Rule != points.RuleDebt && e.Cause == points.CausePaid {
			w.book.Awards[e.Order] = points.Award{Order: e.Order, User: e.User, Points: w.book.Awards[e.Order].Points + e.Amount}
		}
	}
	w.entries = append(w.entries, d.Entries...)
	w.reversals = append(w.reversals, d.Reversals...)
	w.awards, w.freezes = append(w.awards, d.Awards...), append(w.freezes, d.Freezes...)
	return nil
}

// The whole table: what each request does to a freeze in each state.
func TestEveryStatusMeetsEveryAction(t *testing.T) {
	t.Parallel()
	const id = 1
	histories := map[string][]points.Request{
		"undecided": nil,
		"frozen":    {try(id, 60)},
		"confirmed": {try(id, 60), paid(id, 60, 250)},
		"cancelled": {try(id, 60), cancel(id)},
		"tombstone": {cancel(id)},
		"refused":   {try(id, 101)},
	}
	for _, tt := range []struct {
		history         string
		request         points.Request
		status          points.Status
		balance, frozen int64
		replies         int // about the freeze
		err             error
	}{
		{"undecided", try(id, 60), points.Frozen, 100, 60, 1, nil},
		{"undecided", try(id, 100), points.Frozen, 100, 100, 1, nil},
		{"undecided", try(id, 101), points.Refused, 100, 0, 1, nil},
		{"undecided", nudged(try(id, 60)), points.Frozen, 100, 60, 1, nil},
		{"undecided", paid(id, 60, 250), "", 100, 0, 0, points.ErrConfirmWithoutFreeze},
		{"undecided", cancel(id), points.Cancelled, 100, 0, 0, nil},

		{"frozen", try(id, 60), points.Frozen, 100, 60, 0, nil},
		{"frozen", nudged(try(id, 60)), points.Frozen, 100, 60, 1, nil},
		{"frozen", paid(id, 60, 250), points.Confirmed, 42, 0, 0, nil},
		{"frozen", paid(id, 61, 250), "", 100, 60, 0, points.ErrMalformed},
		{"frozen", cancel(id), points.Cancelled, 100, 0, 0, nil},

		{"confirmed", try(id, 60), points.Confirmed, 42, 0, 0, nil},
		{"confirmed", nudged(try(id, 60)), points.Confirmed, 42, 0, 1, nil},
		{"confirmed", paid(id, 60, 250), points.Confirmed, 42, 0, 0, nil},
		{"confirmed", cancel(id), "", 42, 0, 0, points.ErrCancelAfterConfirm},

		{"cancelled", try(id, 60), points.Cancelled, 100, 0, 0, nil},
		{"cancelled", nudged(try(id, 60)), points.Cancelled, 100, 0, 1, nil},
		{"cancelled", paid(id, 60, 250), "", 100, 0, 0, points.ErrConfirmWithoutFreeze},
		{"cancelled", cancel(id), points.Cancelled, 100, 0, 0, nil},

		{"tombstone", try(id, 60), points.Cancelled, 100, 0, 0, nil},
		{"tombstone", nudged(try(id, 60)), points.Cancelled, 100, 0, 0, nil},
		{"tombstone", paid(id, 60, 250), "", 100, 0, 0, points.ErrConfirmWithoutFreeze},
		{"tombstone", cancel(id), points.Cancelled, 100, 0, 0, nil},

		{"refused", try(id, 60), points.Refused, 100, 0, 0, nil},
		{"refused", nudged(try(id, 101)), points.Refused, 100, 0, 1, nil},
		{"refused", paid(id, 101, 250), "", 100, 0, 0, points.ErrConfirmWithoutFreeze},
		{"refused", cancel(id), points.Refused, 100, 0, 0, nil},
	} {
		w := newWorld(100)
		if err := w.apply(histories[tt.history]...); err != nil {
			t.Fatal(err)
		}
		w.freezes = nil
		err := w.apply(tt.request)
		if !errors.Is(err, tt.err) || (err != nil) != points.IsImpossible(err) {
			t.Errorf("%s, %+v: error %v", tt.history, tt.request, err)
		}
		if got := w.book.Freezes[id].Status; err == nil && got != tt.status {
			t.Errorf("%s, %+v: %s, want %s", tt.history, tt.request, got, tt.status)
		}
		if got := w.book.Accounts[user]; got != (points.Account{Balance: tt.balance, Frozen: tt.frozen}) {
			t.Errorf("%s, %+v: account %+v", tt.history, tt.request, got)
		}
		if len(w.freezes) != tt.replies {
			t.Errorf("%s, %+v: %d replies, want %d", tt.history, tt.request, len(w.freezes), tt.replies)
		}
	}
}

// The orders of a batch share one account, as if each came alone.
func TestOrdersCompeteForTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(100)
	err := w.apply(try(1, 60), try(2, 60), cancel(1), try(3, 60), paid(3, 60, 9_000), try(4, 130), try(5, 131))
	if err != nil {
		t.Fatal(err)
	}
	var got []points.Status
	for id := points.OrderID(1); id <= 5; id++ {
		got = append(got, w.book.Freezes[id].Status)
	}
	want := []points.Status{points.Cancelled, points.Refused, points.Confirmed, points.Frozen, points.Refused}
	if !slices.Equal(got, want) || w.book.Accounts[user] != (points.Account{Balance: 130, Frozen: 130}) {
		t.Errorf("got %v and %+v, want %v", got, w.book.Accounts[user], want)
	}
	if len(w.freezes) != 5 || w.freezes[0].Status != points.Frozen {
		t.Errorf("replies %+v", w.freezes)
	}
}

func TestRedeemEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(100)
	if err := w.apply(try(1, 60), paid(1, 60, 250)); err != nil {
		t.Fatal(err)
	}
	want := []points.Entry{
		{EntryID: points.EntryID{Order: 1, Rule: "redeem", Cause: "paid"}, User: user, Amount: -60, At: at},
		{EntryID: points.EntryID{Order: 1, Rule: "purchase", Cause: "paid"}, User: user, Amount: 2, At: at},
	}
	if !slices.Equal(w.entries, want) || !slices.Equal(w.awards, []points.Award{{Order: 1, User: user, Points: 2}}) {
		t.Errorf("entries %+v, awards %+v", w.entries, w.awards)
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]points.Request{
		"negative amount": paid(1, 0, -1),
		"no order":        paid(0, 0, 1),
		"no user":         {Order: 1, Action: points.Cancel},
		"no points":       try(1, 0),
		"negative points": paid(1, -1, 1),
		"no action":       {Order: 1, User: 1},
	} {
		w := newWorld(5)
		before := maps.Clone(w.book.Accounts)
		if err := w.apply(paid(2, 0, 100), r); !errors.Is(err, points.ErrMalformed) || !points.IsImpossible(err) {
			t.Errorf("%s: %v", name, err)
		}
		if len(w.entries) != 0 || !maps.Equal(w.book.Accounts, before) {
			t.Errorf("%s left %+v", name, w)
		}
	}
}
