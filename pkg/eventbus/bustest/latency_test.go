package bustest_test

import (
	"context"
	"testing"
	"time"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
)

// BenchmarkLoneRecord measures what one record needs on an idle bus, from
// Publish to its arrival at a consumer.
func BenchmarkLoneRecord(b *testing.B) {
	topic := bustest.Name(b, "topic")
	bus := bustest.Kafka(b, topic)
	arrived := make(chan time.Time)
	go func() {
		_ = bus.Consume(b.Context(), "lone", []string{topic}, func(_ context.Context, c eventbus.Claim) error {
			for r := range c.Records() {
				arrived <- time.Now()
				if err := c.Commit(r.Offset + 1); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	var delivery time.Duration
	for b.Loop() {
		start := time.Now()
		if errs := bus.Publish(b.Context(), []eventbus.Record{{Topic: topic, Value: []byte("lone")}}); errs != nil {
			b.Fatal(errs)
		}
		delivery += (<-arrived).Sub(start)
	}
	b.ReportMetric(float64(delivery.Milliseconds())/float64(b.N), "ms-delivery")
}
