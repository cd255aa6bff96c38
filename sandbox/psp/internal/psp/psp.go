// Package psp is the domain of the sandbox payment provider: charges and
// refunds that each happen once per idempotency key, and the ways in which a
// provider misbehaves, chosen by magic tokens ([Manner]) and by [Knobs].
//
// The package knows no HTTP and no SQL: it speaks to storage through [Store].
package psp

import (
	"time"

	"souk.example/pkg/apperr"
)

// Status is what became of a charge.
type Status string

const (
	Succeeded  Status = "succeeded"
	Failed     Status = "failed"
	Processing Status = "processing" // succeeds when it is due
)

// Charge is money taken, or not, from a card. Amounts are minor units.
type Charge struct {
	ID          string // grows with time
	Key         string // idempotency key
	Reference   string // the merchant's name for it
	Token       string
	Amount      int64
	Currency    string
	Status      Status
	FailureCode string
	Refunded    int64
	DueAt       time.Time // when a Processing charge succeeds
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Refund is money given back of a charge.
type Refund struct {
	ID        string
	Key       string
	Charge    string
	Reference string
	Amount    int64
	Currency  string
	CreatedAt time.Time
}

// EventType is what a webhook tells of.
type EventType string

const (
	ChargeSucceeded EventType = "charge.succeeded"
	ChargeFailed    EventType = "charge.failed"
	RefundSucceeded EventType = "refund.succeeded"
)

// Event is a webhook to deliver, not before DueAt. It shows the charge as it
// was when the event was made.
type Event struct {
	ID     string
	Type   EventType
	At     time.Time
	DueAt  time.Time
	Charge Charge
	Refund *Refund
}

// The refusals.
var (
	ErrKeyReused     = apperr.New(apperr.Conflict, "idempotency_key_reused", "this Idempotency-Key was used with another body")
	ErrUnknownCharge = apperr.New(apperr.NotFound, "charge_not_found", "there is no such charge")
	ErrNotRefundable = apperr.New(apperr.Unprocessable, "charge_not_refundable", "only a charge that succeeded can be refunded")
	ErrExceedsCharge = apperr.New(apperr.Unprocessable, "amount_exceeds_charge", "more than what is left of the charge")
	ErrOutOfOrder    = apperr.New(apperr.Unavailable, "out_of_order", "the provider is out of order, as it was told to be")
)
