package payment

import (
	"errors"
	"log/slog"
	"strconv"

	"souk.example/pkg/money"
)

// Word is what the provider says about a charge or a refund, through whichever
// door: the reply to a call, a webhook, its list. Words may come late, twice,
// and in any order.
type Word struct {
	Kind   Kind
	Order  OrderID
	Refund RefundID // of a Return
	Said   Event    // Succeeded, Declined, Unsure or NotSent
	Ref    string   // the provider's id
	Amount money.Amount
	Reason string // why it was Declined

	// A reply names the call that it answers: an answer that settles nothing
	// must not disturb somebody else's call. Other doors leave both empty.
	Claim    ClaimID
	Attempts int
	Refused  bool // Unsure, because the provider will not do it as it is asked
}

var (
	// ErrNotOurs is a word about what nobody here ever asked for.
	ErrNotOurs = errors.New("the provider speaks of a payment or refund that does not exist")
	// ErrMismatch is a word that does not fit what was asked for. Nothing is
	// recorded; somebody has to look at it.
	ErrMismatch = errors.New("the provider's word does not match what was asked")
)

// Subject names the order, as its events do.
func (w Word) Subject() string { return strconv.FormatInt(int64(w.Order), 10) }

// Key is that of the call which the word is about.
func (w Word) Key() string {
	if w.Kind == Return {
		return refundKey(w.Refund)
	}
	return chargeKey(w.Order)
}

// settlesNothing reports whether all that w can do is give its own call back.
func (w Word) settlesNothing() bool { return w.Said == Unsure || w.Said == NotSent }

// later is when the call that w answers is to be made again.
func (w Word) later() Later {
	l := Later{Key: w.Key(), Claim: w.Claim, Pause: Backoff(w.Attempts)}
	switch {
	case w.Said == NotSent:
		l.Pause, l.NotSent = notSentPause, true
	case w.Refused:
		l.Pause = refusedBackoff(w.Attempts)
	}
	return l
}

func isDispute(err error) bool { return errors.Is(err, ErrNotOurs) || errors.Is(err, ErrMismatch) }

// LogValue shows what may be logged of a word.
func (w Word) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("kind", string(w.Kind)), slog.Int64("order", int64(w.Order)), slog.String("refund", string(w.Refund)),
		slog.String("ref", w.Ref), slog.String("amount", w.Amount.String()),
	)
}
