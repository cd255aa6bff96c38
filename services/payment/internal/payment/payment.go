// Package payment is the domain of the payment service: what was decided about
// each order's money, what is in each wallet, and the ledger that explains it.
// Nobody else decides about money.
//
// The package knows no HTTP, SQL, Kafka or Redis: it speaks to storage through
// [Unit] and [Wallets].
package payment

import (
	"time"

	"souk.example/contracts"
	"souk.example/pkg/money"
)

// OrderID identifies the order that is paid for.
type OrderID int64

// UserID identifies who pays.
type UserID int64

// Status is what was decided about an order's money.
type Status string

const (
	Captured Status = "CAPTURED" // exactly the amount asked for was taken
	Failed   Status = "FAILED"   // definite: nothing was taken and nothing will be
	Voided   Status = "VOIDED"   // cancelled before it was due: a later request does nothing
)

// Reasons of a failed payment.
const (
	ReasonInsufficientFunds = "insufficient_funds"
	ReasonMethodNotOffered  = contracts.CodeMethodNotOffered
)

// Payment is the decision about one order. It is final.
type Payment struct {
	Order    OrderID
	User     UserID
	Status   Status
	Method   string
	Amount   money.Amount // asked for; no amount in no currency when Voided
	Captured money.Amount // taken: all of Amount or nothing
	Reason   string       // why it failed
	At       time.Time
}
