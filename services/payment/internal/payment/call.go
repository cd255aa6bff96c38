package payment

import (
	"strconv"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/money"
)

// Kind is what a call asks of the provider.
type Kind string

const (
	Charge Kind = "charge" // take money from a card
	Return Kind = "refund" // give money of a charge back
)

// Call is what the provider must be told about a payment or a refund until its
// answer is known. However often it is made, the provider acts on its key once.
type Call struct {
	Key      string // the idempotency key: the order's or the refund's id
	Kind     Kind
	Order    OrderID
	Amount   money.Amount
	Token    config.Secret // the card to charge
	Charge   string        // the charge to give back
	Attempts int           // how often it was claimed to be made, this time included
	Claim    ClaimID       // whose turn it is to make it
	Until    time.Time     // when that ends, by the local clock
	// TraceParent is the W3C trace context of what asked for it, or "".
	TraceParent string
}

// Subject names the order, as its events do.
func (c Call) Subject() string { return strconv.FormatInt(int64(c.Order), 10) }

// ClaimID names one claim of calls by one process.
type ClaimID string

func chargeKey(order OrderID) string { return strconv.FormatInt(int64(order), 10) }

func refundKey(id RefundID) string { return string(id) }

func chargeCall(p Payment, token config.Secret) Call {
	return Call{Key: chargeKey(p.Order), Kind: Charge, Order: p.Order, Amount: p.Amount, Token: token}
}

func refundCall(r Refund, charge string) Call {
	return Call{Key: refundKey(r.ID), Kind: Return, Order: r.Order, Amount: r.Amount, Charge: charge}
}

// Pauses between calls that brought no definite answer.
const (
	firstPause = 500 * time.Millisecond
	longPause  = 30 * time.Second
	// refusedPause is long: a refusal is repeated until somebody has looked,
	// and must not crowd out calls that can succeed.
	refusedPause = time.Hour
	// notSentPause lets whoever stands in the way, a breaker or a shutdown, do so.
	notSentPause = 100 * time.Millisecond
)

// Backoff is how long to wait after so many attempts: 0.5 s, doubled each time,
// 30 s at most.
func Backoff(attempts int) time.Duration { return min(doubled(attempts), longPause) }

func refusedBackoff(attempts int) time.Duration { return min(doubled(attempts), refusedPause) }

func doubled(attempts int) time.Duration { return firstPause << min(max(attempts-1, 0), 20) }

// Bell tells a waiting worker that there is something to do. Ringing never
// blocks, and any number of rings before the worker listens are one.
type Bell chan struct{}

// NewBell makes a Bell.
func NewBell() Bell { return make(Bell, 1) }

// Ring wakes whoever listens, now or later.
func (b Bell) Ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}
