// Package alarm tells people what no retry will put right: in the log, and as
// counters to alert on.
package alarm

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/services/payment/internal/payment"
)

// Alarms implements payment.Alarms. Safe for concurrent use.
type Alarms struct {
	log      *slog.Logger
	disputed *prometheus.CounterVec
	repaired prometheus.Counter
}

// New makes Alarms that count in registry.
func New(registry prometheus.Registerer, log *slog.Logger) (*Alarms, error) {
	a := &Alarms{
		log: log,
		disputed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "payment_provider_disputes_total",
			Help: "What the payment provider said and cannot be recorded: about nothing of ours (not_ours), or otherwise than asked (mismatch).",
		}, []string{"why"}),
		repaired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "payment_provider_repairs_total",
			Help: "Payments that were put right by the payment provider's list.",
		}),
	}
	a.disputed.WithLabelValues(whyMismatch)
	a.disputed.WithLabelValues(whyNotOurs)
	return a, errors.Join(registry.Register(a.disputed), registry.Register(a.repaired))
}

const (
	whyMismatch = "mismatch"
	whyNotOurs  = "not_ours"
)

// Disputed implements payment.Alarms.
func (a *Alarms) Disputed(ctx context.Context, w payment.Word, err error) {
	why := whyMismatch
	if errors.Is(err, payment.ErrNotOurs) {
		why = whyNotOurs
	}
	a.disputed.WithLabelValues(why).Inc()
	a.log.ErrorContext(ctx, "the payment provider's word is not recorded", "word", w, "error", err)
}

// Repaired implements payment.Alarms.
func (a *Alarms) Repaired(ctx context.Context, w payment.Word) {
	a.repaired.Inc()
	a.log.WarnContext(ctx, "the payment provider's list put a payment right", "word", w)
}
