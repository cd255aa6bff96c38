// Package payment is the domain of the payment service: what was decided about
// each order's money, what is in each wallet, and the ledger that explains it.
// Nobody else decides about money.
//
// Wallets are ours, so an order that is paid from one is decided at once, with
// the batch of requests that it came in ([Settler]). Cards are a provider's, who
// has a truth of its own: what must be said to it waits as a [Call], a [Caller]
// says it outside any transaction, and whatever it answers, through whichever
// door, is a [Word] that the [Recorder] writes down. The [Reconciler] compares
// its list with ours.
//
// The package knows no HTTP, SQL, Kafka or Redis: see ports.go.
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

// Reasons of a failed payment.
const (
	ReasonInsufficientFunds = "insufficient_funds"
	ReasonMethodNotOffered  = contracts.CodeMethodNotOffered
	ReasonInvalidToken      = "invalid_token"
	ReasonDeclined          = "declined" // the provider gave none that we can keep
)

// Payment is what is known about one order's money. Statuses change as machine
// says and in no other way.
type Payment struct {
	Order           OrderID
	User            UserID
	Status          Status
	Method          string
	Amount          money.Amount // asked for; no amount in no currency when Voided before that
	Captured        money.Amount // taken: all of Amount or nothing
	Refunded        money.Amount // given back or about to be; at most Captured
	Charge          string       // the provider's id of the charge, once known
	Reason          string       // why it failed
	CancelRequested bool         // cancelled after the provider was asked, or a wallet charged
	At              time.Time
}

func (p Payment) captured() Payment {
	p.Status, p.Captured, p.Reason = Captured, p.Amount, ""
	return p
}

func (p Payment) failed(reason string) Payment {
	p.Status, p.Captured, p.Reason = Failed, money.Of(0, p.Amount.Currency()), reason
	return p
}

// Change is a payment that is no longer what it was. It stands only if the
// payment still had the status Was.
type Change struct {
	Was Status
	Payment
}
