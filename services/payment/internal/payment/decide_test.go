package payment_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

var at = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

func cny(minor int64) money.Amount { return money.Of(minor, "CNY") }

func due(order payment.OrderID, amount money.Amount) payment.Request {
	return payment.Request{Order: order, User: 7, Action: payment.Capture, Amount: amount, Method: "wallet"}
}

func nudged(r payment.Request) payment.Request {
	r.Nudged = true
	return r
}

func byCard(r payment.Request) payment.Request { return withToken(r, "tok_ok") }

func withToken(r payment.Request, token config.Secret) payment.Request {
	r.Method, r.Token = "card", token
	return r
}

func refund(order payment.OrderID, id payment.RefundID, amount money.Amount) payment.Request {
	return payment.Request{Order: order, User: 7, Action: payment.GiveBack, Refund: id, Amount: amount}
}

// card is order 1, to be paid by card.
func card(s payment.Status) payment.Payment {
	return payment.Payment{Order: 1, User: 7, Status: s, Method: "card", Amount: cny(40), Captured: cny(0)}
}

var (
	walletOnly = payment.Offers{"wallet"}
	withCards  = payment.Offers{"wallet", "card"}
)

func void(order payment.OrderID) payment.Request {
	return payment.Request{Order: order, User: 7, Action: payment.Void}
}

// What each request does to an order in each state, spelled out; the wallet
// holds 100 CNY.
func TestDecide(t *testing.T) {
	type decided map[payment.OrderID]payment.Status
	captured := payment.Payment{Order: 1, User: 7, Status: payment.Captured, Amount: cny(40), Captured: cny(40)}
	failed := payment.Payment{Order: 1, User: 7, Status: payment.Failed, Amount: cny(400), Captured: cny(0), Reason: "insufficient_funds"}
	voided := payment.Payment{Order: 1, User: 7, Status: payment.Voided}
	noted := captured
	noted.CancelRequested = true
	for name, c := range map[string]struct {
		known    []payment.Payment
		requests []payment.Request
		want     decided
		taken    int64
		replies  []payment.OrderID
		reason   string // of the last decision
		offers   payment.Offers
	}{
		"enough":                         {requests: []payment.Request{due(1, cny(100))}, want: decided{1: payment.Captured}, taken: 100, replies: []payment.OrderID{1}},
		"one too many":                   {requests: []payment.Request{due(1, cny(101))}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "insufficient_funds"},
		"nothing to pay":                 {requests: []payment.Request{due(1, cny(0))}, want: decided{1: payment.Captured}, replies: []payment.OrderID{1}},
		"nothing to pay by card":         {requests: []payment.Request{byCard(due(1, cny(0)))}, want: decided{1: payment.Captured}, replies: []payment.OrderID{1}},
		"a method we do not have":        {requests: []payment.Request{byCard(due(1, cny(1)))}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "payment_method_not_offered"},
		"money in another currency":      {requests: []payment.Request{due(1, money.Of(1, "EUR"))}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "insufficient_funds"},
		"the first come is served":       {requests: []payment.Request{due(2, cny(60)), due(1, cny(60)), due(3, cny(40))}, want: decided{2: payment.Captured, 1: payment.Failed, 3: payment.Captured}, taken: 100, replies: []payment.OrderID{2, 1, 3}},
		"twice in a batch":               {requests: []payment.Request{due(1, cny(40)), due(1, cny(40))}, want: decided{1: payment.Captured}, taken: 40, replies: []payment.OrderID{1}},
		"again, changed":                 {requests: []payment.Request{due(1, cny(101)), due(1, cny(1))}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "insufficient_funds"},
		"first heard of by a nudge":      {requests: []payment.Request{nudged(due(1, cny(40)))}, want: decided{1: payment.Captured}, taken: 40, replies: []payment.OrderID{1}},
		"nudged in the same batch":       {requests: []payment.Request{due(1, cny(40)), nudged(due(1, cny(40)))}, want: decided{1: payment.Captured}, taken: 40, replies: []payment.OrderID{1}},
		"captured, again":                {known: []payment.Payment{captured}, requests: []payment.Request{due(1, cny(40))}, want: decided{}},
		"captured, nudged":               {known: []payment.Payment{captured}, requests: []payment.Request{nudged(due(1, cny(40)))}, want: decided{}, replies: []payment.OrderID{1}},
		"captured, nudged twice":         {known: []payment.Payment{captured}, requests: []payment.Request{nudged(due(1, cny(40))), nudged(due(1, cny(40)))}, want: decided{}, replies: []payment.OrderID{1}},
		"failed, again, with money":      {known: []payment.Payment{failed}, requests: []payment.Request{due(1, cny(40))}, want: decided{}},
		"failed, nudged":                 {known: []payment.Payment{failed}, requests: []payment.Request{nudged(due(1, cny(40)))}, want: decided{}, replies: []payment.OrderID{1}},
		"failed, cancelled":              {known: []payment.Payment{failed}, requests: []payment.Request{void(1), void(1)}, want: decided{1: payment.Failed}, reason: "insufficient_funds"},
		"cancelled first":                {requests: []payment.Request{void(1), due(1, cny(40)), nudged(due(1, cny(40)))}, want: decided{1: payment.Voided}},
		"voided before":                  {known: []payment.Payment{voided}, requests: []payment.Request{due(1, cny(40)), nudged(due(1, cny(40))), void(1)}, want: decided{}},
		"failed and cancelled, a batch":  {requests: []payment.Request{due(1, cny(101)), void(1)}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "insufficient_funds"},
		"no requests":                    {requests: []payment.Request{}, want: decided{}},
		"captured, cancelled":            {known: []payment.Payment{captured}, requests: []payment.Request{void(1), void(1)}, want: decided{1: payment.Captured}},
		"captured, cancelled before":     {known: []payment.Payment{noted}, requests: []payment.Request{void(1)}, want: decided{}},
		"by card":                        {offers: withCards, requests: []payment.Request{byCard(due(1, cny(400)))}, want: decided{1: payment.Pending}},
		"by card, again and nudged":      {offers: withCards, requests: []payment.Request{byCard(due(1, cny(4))), byCard(due(1, cny(4))), nudged(byCard(due(1, cny(4))))}, want: decided{1: payment.Pending}},
		"by no card":                     {offers: withCards, requests: []payment.Request{withToken(due(1, cny(4)), "")}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "invalid_token"},
		"by too long a token":            {offers: withCards, requests: []payment.Request{withToken(due(1, cny(4)), config.Secret(strings.Repeat("x", 256)))}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "invalid_token"},
		"nothing by no card":             {offers: withCards, requests: []payment.Request{withToken(due(1, cny(0)), "")}, want: decided{1: payment.Captured}, replies: []payment.OrderID{1}},
		"pending and cancelled, a batch": {offers: withCards, requests: []payment.Request{byCard(due(1, cny(4))), void(1)}, want: decided{1: payment.Voided}},
		"pending, cancelled":             {known: []payment.Payment{card(payment.Pending)}, requests: []payment.Request{void(1)}, want: decided{1: payment.Voided}},
		"calling, cancelled":             {known: []payment.Payment{card(payment.Calling)}, requests: []payment.Request{void(1)}, want: decided{1: payment.Calling}},
		"unknown, cancelled":             {known: []payment.Payment{card(payment.Unknown)}, requests: []payment.Request{void(1)}, want: decided{1: payment.Unknown}},
		"calling, nudged":                {known: []payment.Payment{card(payment.Calling)}, requests: []payment.Request{nudged(byCard(due(1, cny(40))))}, want: decided{}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.offers == nil {
				c.offers = walletOnly
			}
			book := payment.Book{Wallets: map[payment.WalletID]int64{{User: 7, Currency: "CNY"}: 100}, Payments: map[payment.OrderID]payment.Payment{}}
			for _, p := range c.known {
				book.Payments[p.Order] = p
			}
			before := payment.Book{Wallets: maps.Clone(book.Wallets), Payments: maps.Clone(book.Payments)}
			d, err := payment.Decide(c.requests, book, c.offers, at)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(book, before) {
				t.Errorf("the book was changed to %+v", book)
			}
			got, reason := decided{}, ""
			for _, p := range d.Payments {
				got[p.Order], reason = p.Status, p.Reason
			}
			for _, p := range d.Changes {
				got[p.Order], reason = p.Status, p.Reason
			}
			checkCalls(t, d)
			if !maps.Equal(got, c.want) || reason != c.reason {
				t.Errorf("decided %v for %q, want %v for %q", got, reason, c.want, c.reason)
			}
			if taken := d.Taken[payment.WalletID{User: 7, Currency: "CNY"}]; taken != c.taken {
				t.Errorf("took %d, want %d", taken, c.taken)
			}
			var told []payment.OrderID
			for _, p := range d.Replies {
				told = append(told, p.Order)
			}
			if !reflect.DeepEqual(told, c.replies) {
				t.Errorf("told of %v, want %v", told, c.replies)
			}
		})
	}
}

// checkCalls: what is pending is called, what was and is no more is dropped.
func checkCalls(t *testing.T, d payment.Decisions) {
	t.Helper()
	var want, got, dropped, wantDropped []string
	for _, p := range d.Payments {
		if p.Status == payment.Pending {
			want = append(want, fmt.Sprint(p.Order))
		}
	}
	for _, c := range d.Calls {
		got = append(got, c.Key)
	}
	for _, c := range d.Changes {
		if c.Was == payment.Pending && c.Status == payment.Voided {
			wantDropped = append(wantDropped, fmt.Sprint(c.Order))
		}
		if c.CancelRequested == (c.Status == payment.Voided) {
			t.Errorf("cancelled %+v", c)
		}
	}
	dropped = d.Dropped
	if !slices.Equal(got, want) || !slices.Equal(dropped, wantDropped) {
		t.Errorf("calls %v and drops %v, want %v and %v", got, dropped, want, wantDropped)
	}
}

// A refund is reserved and given back to where the money came from.
func TestDecideRefunds(t *testing.T) {
	byWallet := payment.Payment{Order: 1, User: 7, Status: payment.Captured, Method: "wallet", Amount: cny(40), Captured: cny(40), Refunded: cny(10)}
	charged := byWallet
	charged.Method, charged.Charge = "card", "ch_1"
	free := payment.Payment{Order: 1, User: 7, Status: payment.Captured, Method: "card", Amount: cny(0), Captured: cny(0)}
	done := payment.Refund{ID: "1:a", Order: 1, Status: payment.Refunded, Amount: cny(10)}
	open := payment.Refund{ID: "1:a", Order: 1, Status: payment.Unknown, Amount: cny(10)}
	for name, c := range map[string]struct {
		was      payment.Payment
		known    []payment.Refund
		requests []payment.Request
		reserved int64
		given    int64
		calls    []string
		told     int
	}{
		"all that is left":        {was: byWallet, requests: []payment.Request{refund(1, "1:late", cny(30))}, reserved: 30, given: 30, told: 1},
		"in two":                  {was: byWallet, requests: []payment.Request{refund(1, "1:b", cny(10)), refund(1, "1:c", cny(20))}, reserved: 30, given: 30, told: 2},
		"twice in a batch":        {was: byWallet, requests: []payment.Request{refund(1, "1:b", cny(10)), refund(1, "1:b", cny(10))}, reserved: 10, given: 10, told: 1},
		"to a card":               {was: charged, requests: []payment.Request{refund(1, "1:late", cny(30))}, reserved: 30, calls: []string{"1:late ch_1"}},
		"to a card, nudged":       {was: charged, requests: []payment.Request{refund(1, "1:late", cny(30)), nudged(refund(1, "1:late", cny(30)))}, reserved: 30, calls: []string{"1:late ch_1"}},
		"nothing of nothing":      {was: free, requests: []payment.Request{refund(1, "1:late", cny(0))}, told: 1},
		"done, again":             {was: byWallet, known: []payment.Refund{done}, requests: []payment.Request{refund(1, "1:a", cny(10))}},
		"done, nudged":            {was: byWallet, known: []payment.Refund{done}, requests: []payment.Request{nudged(refund(1, "1:a", cny(10)))}, told: 1},
		"under way, nudged":       {was: charged, known: []payment.Refund{open}, requests: []payment.Request{nudged(refund(1, "1:a", cny(10)))}},
		"nudged before its first": {was: byWallet, requests: []payment.Request{nudged(refund(1, "1:b", cny(10)))}, reserved: 10, given: 10, told: 1},
	} {
		t.Run(name, func(t *testing.T) {
			book := payment.Book{Payments: map[payment.OrderID]payment.Payment{1: c.was}, Refunds: map[payment.RefundID]payment.Refund{}}
			for _, r := range c.known {
				book.Refunds[r.ID] = r
			}
			d, err := payment.Decide(c.requests, book, withCards, at)
			if err != nil {
				t.Fatal(err)
			}
			var calls []string
			for _, call := range d.Calls {
				calls = append(calls, call.Key+" "+call.Charge)
			}
			var moved int64
			for _, e := range d.Entries {
				moved += e.Amount.Minor()
			}
			given := d.Given[payment.WalletID{User: 7, Currency: "CNY"}]
			if d.Reserved[1] != c.reserved || given != c.given || moved != c.given || !slices.Equal(calls, c.calls) || len(d.RefundReplies) != c.told {
				t.Errorf("decided %+v, want %+v", d, c)
			}
			if len(d.Payments)+len(d.Changes)+len(d.Replies) != 0 {
				t.Errorf("a refund changed a status: %+v", d)
			}
		})
	}
}

func TestImpossibleRequests(t *testing.T) {
	captured := payment.Payment{Order: 1, User: 7, Status: payment.Captured, Amount: cny(40), Captured: cny(40)}
	for name, c := range map[string]struct {
		request payment.Request
		want    error
	}{
		"negative amount":       {due(2, cny(-1)), payment.ErrMalformed},
		"no currency":           {due(2, money.Of(1, "")), payment.ErrMalformed},
		"lower case":            {due(2, money.Of(1, "cny")), payment.ErrMalformed},
		"no order":              {due(0, cny(1)), payment.ErrMalformed},
		"nobody pays":           {payment.Request{Order: 2, Amount: cny(1), Method: "wallet"}, payment.ErrMalformed},
		"void of no order":      {void(-1), payment.ErrMalformed},
		"refund of no capture":  {refund(2, "2:late", cny(1)), payment.ErrNotRefundable},
		"too large a refund":    {refund(1, "1:late", cny(41)), payment.ErrNotRefundable},
		"of other money":        {refund(1, "1:late", money.Of(1, "EUR")), payment.ErrNotRefundable},
		"a negative refund":     {refund(1, "1:late", cny(-1)), payment.ErrMalformed},
		"another order's":       {refund(1, "2:late", cny(1)), payment.ErrMalformed},
		"a refund without id":   {refund(1, "", cny(1)), payment.ErrMalformed},
		"an id without reason":  {refund(1, "1:", cny(1)), payment.ErrMalformed},
		"too long an id":        {refund(1, payment.RefundID("1:"+strings.Repeat("x", 55)), cny(1)), payment.ErrMalformed},
		"another amount":        {refund(1, "1:known", cny(2)), payment.ErrMalformed},
		"somebody else's":       {payment.Request{Order: 1, User: 8, Action: payment.GiveBack, Refund: "1:late", Amount: cny(1)}, payment.ErrMalformed},
		"malformed and decided": {due(1, cny(-40)), payment.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			book := payment.Book{
				Payments: map[payment.OrderID]payment.Payment{1: captured},
				Wallets:  map[payment.WalletID]int64{{User: 7, Currency: "CNY"}: 100},
				Refunds:  map[payment.RefundID]payment.Refund{"1:known": {ID: "1:known", Order: 1, Status: payment.Refunded, Amount: cny(1)}},
			}
			d, err := payment.Decide([]payment.Request{due(3, cny(1)), c.request}, book, walletOnly, at)
			if !errors.Is(err, c.want) || !payment.IsImpossible(err) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if len(d.Payments)+len(d.Entries)+len(d.Taken)+len(d.Replies)+len(d.Refunds) != 0 {
				t.Errorf("an impossible request left %+v", d)
			}
		})
	}
}
