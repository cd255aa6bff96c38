package payment

import (
	"errors"
	"fmt"
	"slices"

	"souk.example/pkg/money"
)

// Action is what order asks for.
type Action uint8

const (
	Capture Action = iota // take the amount, once
	Void                  // never take anything
)

// Request is what order asks of payment about one order.
type Request struct {
	Order  OrderID
	User   UserID
	Action Action
	Amount money.Amount // to capture; may be 0
	Method string       // to capture with
	Nudged bool         // asked before: order still waits for the answer
}

var (
	// ErrMalformed is a request that no order can have made.
	ErrMalformed = errors.New("malformed payment request")
	// ErrVoidAfterCapture is a cancellation of an order that has been paid.
	ErrVoidAfterCapture = errors.New("order cancelled after its payment was captured")
)

// IsImpossible reports whether err is about a request that no retry will make
// good: somebody has to look at it.
func IsImpossible(err error) bool {
	return errors.Is(err, ErrMalformed) || errors.Is(err, ErrVoidAfterCapture)
}

func (r Request) validate() error {
	if r.Order <= 0 || r.User <= 0 {
		return fmt.Errorf("order %d of user %d: %w: ids are positive", r.Order, r.User, ErrMalformed)
	}
	if r.Action == Void {
		return nil
	}
	if r.Amount.IsNegative() {
		return fmt.Errorf("order %d: %w: the amount is negative", r.Order, ErrMalformed)
	}
	if _, err := money.ParseCurrency(string(r.Amount.Currency())); err != nil {
		return fmt.Errorf("order %d: %w: %w", r.Order, ErrMalformed, err)
	}
	return nil
}

// wallet is what the request is paid from.
func (r Request) wallet() WalletID { return WalletID{User: r.User, Currency: r.Amount.Currency()} }

// ordersOf lists the orders asked about, once each, in id order.
func ordersOf(requests []Request) []OrderID {
	orders := make([]OrderID, len(requests))
	for i, r := range requests {
		orders[i] = r.Order
	}
	slices.Sort(orders)
	return slices.Compact(orders)
}

// payersOf lists the users whose wallets the undecided requests may touch,
// once each, in id order.
func payersOf(requests []Request, known map[OrderID]Payment) []UserID {
	var users []UserID
	for _, r := range requests {
		if _, decided := known[r.Order]; !decided && r.Action == Capture && !r.Amount.IsZero() {
			users = append(users, r.User)
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}
