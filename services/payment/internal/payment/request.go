package payment

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"souk.example/pkg/config"
	"souk.example/pkg/money"
)

// Action is what order asks for.
type Action uint8

const (
	Capture  Action = iota // take the amount, once
	Void                   // never take anything, if nobody was asked yet
	GiveBack               // return a part or all of what was captured, once per refund id
)

// Request is what order asks of payment about one order.
type Request struct {
	Order  OrderID
	User   UserID
	Action Action
	Amount money.Amount  // to capture or to give back; may be 0
	Method string        // to capture with
	Token  config.Secret // what the provider knows the card by
	Refund RefundID      // which refund
	Nudged bool          // asked before: order still waits for the answer
}

var (
	// ErrMalformed is a request that no order can have made.
	ErrMalformed = errors.New("malformed payment request")
	// ErrNotRefundable is a refund of what was not captured, or of more.
	ErrNotRefundable = errors.New("refund exceeds what was captured and not refunded")
)

// IsImpossible reports whether err is about a request that no retry will make
// good: somebody has to look at it.
func IsImpossible(err error) bool {
	return errors.Is(err, ErrMalformed) || errors.Is(err, ErrNotRefundable)
}

func (r Request) event() Event {
	switch {
	case r.Action == Void:
		return Cancelled
	case r.Nudged:
		return AskedAgain
	}
	return Asked
}

func (r Request) validate() error {
	if r.Order <= 0 || r.User <= 0 {
		return fmt.Errorf("order %d of user %d: %w: ids are positive", r.Order, r.User, ErrMalformed)
	}
	if r.Action == Void {
		return nil
	}
	if r.Action == GiveBack && !r.Refund.of(r.Order) {
		return fmt.Errorf("order %d: %w: the refund's id is not derived from it", r.Order, ErrMalformed)
	}
	if r.Amount.IsNegative() {
		return fmt.Errorf("order %d: %w: the amount is negative", r.Order, ErrMalformed)
	}
	if _, err := money.ParseCurrency(string(r.Amount.Currency())); err != nil {
		return fmt.Errorf("order %d: %w: %w", r.Order, ErrMalformed, err)
	}
	return nil
}

// maxRefundID is what a ledger entry's cause has room for.
const maxRefundID = 56

// of reports whether the id names a refund of the order: "<order>:<why>".
func (id RefundID) of(order OrderID) bool {
	why, ok := strings.CutPrefix(string(id), strconv.FormatInt(int64(order), 10)+":")
	return ok && why != "" && len(id) <= maxRefundID
}

// wallet is what the request is paid from, or back into.
func (r Request) wallet() WalletID { return WalletID{User: r.User, Currency: r.Amount.Currency()} }

// inDoubt is the requests whose orders have to be looked up: in a fresh batch a
// capture is its order's first request, as the key of its payment proves.
func inDoubt(requests []Request, fresh bool) []Request {
	if !fresh {
		return requests
	}
	return slices.DeleteFunc(slices.Clone(requests), func(r Request) bool { return r.Action == Capture })
}

// ordersOf lists the orders asked about, once each, in id order.
func ordersOf(requests []Request) []OrderID {
	orders := make([]OrderID, len(requests))
	for i, r := range requests {
		orders[i] = r.Order
	}
	slices.Sort(orders)
	return slices.Compact(orders)
}

// refundsOf lists the refunds asked for, once each, in id order.
func refundsOf(requests []Request) []RefundID {
	var ids []RefundID
	for _, r := range requests {
		if r.Action == GiveBack {
			ids = append(ids, r.Refund)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// payersOf lists the users whose wallets the undecided requests may touch,
// once each, in id order.
func payersOf(requests []Request, known map[OrderID]Payment) []UserID {
	var users []UserID
	for _, r := range requests {
		_, decided := known[r.Order]
		if (r.Action == GiveBack || r.Action == Capture && !decided) && !r.Amount.IsZero() {
			users = append(users, r.User)
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}
