// Package alarm tells people what no retry will put right: in the log, and as
// counters to alert on.
package alarm

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/services/payment/internal/payment"
)

// Alarms implements payment.Alarms. Safe for concurrent use.
type Alarms struct {
	log      *slog.Logger
	disputed *prometheus.CounterVec
	refused  *prometheus.CounterVec
	orphaned prometheus.Counter
	repaired prometheus.Counter
	compared prometheus.Gauge
}

// New makes Alarms that count in registry.
func New(registry prometheus.Registerer, log *slog.Logger) (*Alarms, error) {
	a := &Alarms{
		log: log,
		disputed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "payment_provider_disputes_total",
			Help: "What the payment provider said and cannot be recorded: about nothing of ours (not_ours), or otherwise than asked (mismatch).",
		}, []string{"why"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "payment_provider_refusals_total",
			Help: "Calls that the payment provider refused, by kind (charge, refund): they are repeated ever less often until somebody has looked.",
		}, []string{"kind"}),
		orphaned: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "payment_provider_orphans_total",
			Help: "Calls that were dropped because their payment or refund was closed by another hand.",
		}),
		repaired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "payment_provider_repairs_total",
			Help: "Payments that were put right by the payment provider's list.",
		}),
		compared: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "payment_provider_compared_timestamp_seconds",
			Help: "When this process last compared the payment provider's list to its end, in Unix time; one replica at a time does.",
		}),
	}
	a.disputed.WithLabelValues(whyMismatch)
	a.disputed.WithLabelValues(whyNotOurs)
	a.refused.WithLabelValues(string(payment.Charge))
	a.refused.WithLabelValues(string(payment.Return))
	return a, errors.Join(registry.Register(a.disputed), registry.Register(a.refused), registry.Register(a.orphaned),
		registry.Register(a.repaired), registry.Register(a.compared))
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

// Refused implements payment.Alarms.
func (a *Alarms) Refused(ctx context.Context, w payment.Word, err error) {
	a.refused.WithLabelValues(string(w.Kind)).Inc()
	a.log.ErrorContext(ctx, "the payment provider refuses a call", "call", w, "attempts", w.Attempts, "error", err)
}

// Orphaned implements payment.Alarms.
func (a *Alarms) Orphaned(ctx context.Context, w payment.Word) {
	a.orphaned.Inc()
	a.log.ErrorContext(ctx, "a call to the payment provider was dropped: its payment or refund is closed", "call", w)
}

// Repaired implements payment.Alarms.
func (a *Alarms) Repaired(ctx context.Context, w payment.Word) {
	a.repaired.Inc()
	a.log.WarnContext(ctx, "the payment provider's list put a payment right", "word", w)
}

// Compared implements payment.Alarms.
func (a *Alarms) Compared(at time.Time) { a.compared.Set(float64(at.Unix())) }
