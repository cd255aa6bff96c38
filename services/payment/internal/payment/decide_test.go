package payment_test

import (
	"errors"
	"maps"
	"reflect"
	"testing"
	"time"

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

func byCard(r payment.Request) payment.Request {
	r.Method = "card"
	return r
}

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
	for name, c := range map[string]struct {
		known    []payment.Payment
		requests []payment.Request
		want     decided
		taken    int64
		replies  []payment.OrderID
		reason   string // of the last decision
	}{
		"enough":                        {requests: []payment.Request{due(1, cny(100))}, want: decided{1: payment.Captured}, taken: 100, replies: []payment.OrderID{1}},
		"one too many":                  {requests: []payment.Request{due(1, cny(101))}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "insufficient_funds"},
		"nothing to pay":                {requests: []payment.Request{due(1, cny(0))}, want: decided{1: payment.Captured}, replies: []payment.OrderID{1}},
		"nothing to pay by card":        {requests: []payment.Request{byCard(due(1, cny(0)))}, want: decided{1: payment.Captured}, replies: []payment.OrderID{1}},
		"a method we do not have":       {requests: []payment.Request{byCard(due(1, cny(1)))}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "payment_method_not_offered"},
		"money in another currency":     {requests: []payment.Request{due(1, money.Of(1, "EUR"))}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "insufficient_funds"},
		"the first come is served":      {requests: []payment.Request{due(2, cny(60)), due(1, cny(60)), due(3, cny(40))}, want: decided{2: payment.Captured, 1: payment.Failed, 3: payment.Captured}, taken: 100, replies: []payment.OrderID{2, 1, 3}},
		"twice in a batch":              {requests: []payment.Request{due(1, cny(40)), due(1, cny(40))}, want: decided{1: payment.Captured}, taken: 40, replies: []payment.OrderID{1}},
		"again, changed":                {requests: []payment.Request{due(1, cny(101)), due(1, cny(1))}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "insufficient_funds"},
		"first heard of by a nudge":     {requests: []payment.Request{nudged(due(1, cny(40)))}, want: decided{1: payment.Captured}, taken: 40, replies: []payment.OrderID{1}},
		"nudged in the same batch":      {requests: []payment.Request{due(1, cny(40)), nudged(due(1, cny(40)))}, want: decided{1: payment.Captured}, taken: 40, replies: []payment.OrderID{1}},
		"captured, again":               {known: []payment.Payment{captured}, requests: []payment.Request{due(1, cny(40))}, want: decided{}},
		"captured, nudged":              {known: []payment.Payment{captured}, requests: []payment.Request{nudged(due(1, cny(40)))}, want: decided{}, replies: []payment.OrderID{1}},
		"captured, nudged twice":        {known: []payment.Payment{captured}, requests: []payment.Request{nudged(due(1, cny(40))), nudged(due(1, cny(40)))}, want: decided{}, replies: []payment.OrderID{1}},
		"failed, again, with money":     {known: []payment.Payment{failed}, requests: []payment.Request{due(1, cny(40))}, want: decided{}},
		"failed, nudged":                {known: []payment.Payment{failed}, requests: []payment.Request{nudged(due(1, cny(40)))}, want: decided{}, replies: []payment.OrderID{1}},
		"failed, cancelled":             {known: []payment.Payment{failed}, requests: []payment.Request{void(1)}, want: decided{}},
		"cancelled first":               {requests: []payment.Request{void(1), due(1, cny(40)), nudged(due(1, cny(40)))}, want: decided{1: payment.Voided}},
		"voided before":                 {known: []payment.Payment{voided}, requests: []payment.Request{due(1, cny(40)), nudged(due(1, cny(40))), void(1)}, want: decided{}},
		"failed and cancelled, a batch": {requests: []payment.Request{due(1, cny(101)), void(1)}, want: decided{1: payment.Failed}, replies: []payment.OrderID{1}, reason: "insufficient_funds"},
		"no requests":                   {requests: []payment.Request{}, want: decided{}},
	} {
		t.Run(name, func(t *testing.T) {
			book := payment.Book{Wallets: map[payment.WalletID]int64{{User: 7, Currency: "CNY"}: 100}, Payments: map[payment.OrderID]payment.Payment{}}
			for _, p := range c.known {
				book.Payments[p.Order] = p
			}
			before := payment.Book{Wallets: maps.Clone(book.Wallets), Payments: maps.Clone(book.Payments)}
			d, err := payment.Decide(c.requests, book, at)
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
		"void after capture":    {void(1), payment.ErrVoidAfterCapture},
		"malformed and decided": {due(1, cny(-40)), payment.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			book := payment.Book{
				Payments: map[payment.OrderID]payment.Payment{1: captured},
				Wallets:  map[payment.WalletID]int64{{User: 7, Currency: "CNY"}: 100},
			}
			d, err := payment.Decide([]payment.Request{due(3, cny(1)), c.request}, book, at)
			if !errors.Is(err, c.want) || !payment.IsImpossible(err) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if len(d.Payments)+len(d.Entries)+len(d.Taken)+len(d.Replies) != 0 {
				t.Errorf("an impossible request left %+v", d)
			}
		})
	}
}
