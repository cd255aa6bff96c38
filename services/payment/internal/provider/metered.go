package provider

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/services/payment/internal/payment"
)

// Metered measures calls. It implements payment.Provider.
type Metered struct {
	payment.Provider
	seconds *prometheus.HistogramVec
}

// NewMetered measures the calls to p in registry.
func NewMetered(p payment.Provider, registry prometheus.Registerer) (*Metered, error) {
	m := &Metered{Provider: p, seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "payment_provider_call_seconds",
		Help:    "Calls to the payment provider, by kind (charge, refund) and outcome (succeeded, declined, processing, refused, no_answer, not_sent).",
		Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 10),
	}, []string{"kind", "outcome"})}
	return m, registry.Register(m.seconds)
}

// Answer implements payment.Provider.
func (m *Metered) Answer(ctx context.Context, c payment.Call) (payment.Word, error) {
	begun := time.Now()
	word, err := m.Provider.Answer(ctx, c)
	m.seconds.WithLabelValues(string(c.Kind), outcome(word, err)).Observe(time.Since(begun).Seconds())
	return word, err
}

func outcome(w payment.Word, err error) string {
	switch {
	case errors.Is(err, payment.ErrNotSent):
		return "not_sent"
	case errors.Is(err, payment.ErrRefused):
		return "refused"
	case err != nil:
		return "no_answer"
	case w.Said == payment.Succeeded:
		return "succeeded"
	case w.Said == payment.Declined:
		return "declined"
	}
	return "processing"
}
