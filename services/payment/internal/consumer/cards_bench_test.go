package consumer_test

import (
	"testing"
	"time"

	"souk.example/pkg/eventbus"
	"souk.example/services/payment/internal/payment"
)

// BenchmarkCards captures by card from a provider that answers at once: from
// the request to the last event.
func BenchmarkCards(b *testing.B) {
	w := newCards(b, nil)
	w.serve(b, 1, payment.CallerConfig{})
	order := int64(0)
	start := time.Now()
	for b.Loop() {
		var events []eventbus.Event
		for range 2000 {
			order++
			events = append(events, dueByCard(b, order, 40, "tok"))
		}
		w.give(b, events...)
		await(b, "all are captured", func() bool { return w.number(b, "SELECT COUNT(*) FROM payment WHERE status = 'CAPTURED'") == order })
	}
	b.ReportMetric(float64(order)/time.Since(start).Seconds(), "captures/s")
}
