package bustest_test

import (
	"context"
	"testing"
	"time"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
)

// BenchmarkLoneRecord measures what one record needs on an idle bus, from
// Publish to its arrival at a consumer, and how long the commit then takes.
func BenchmarkLoneRecord(b *testing.B) {
	topic := bustest.Name(b, "topic")
	bus := bustest.Kafka(b, topic)
	arrived, committed := make(chan time.Time), make(chan time.Duration)
	go func() {
		_ = bus.Consume(b.Context(), "lone", []string{topic}, func(_ context.Context, c eventbus.Claim) error {
			for r := range c.Records() {
				at := time.Now()
				arrived <- at
				if err := c.Commit(r.Offset + 1); err != nil {
					return err
				}
				committed <- time.Since(at)
			}
			return nil
		})
	}()
	var delivery, commit time.Duration
	for b.Loop() {
		start := time.Now()
		if errs := bus.Publish(b.Context(), []eventbus.Record{{Topic: topic, Value: []byte("lone")}}); errs != nil {
			b.Fatal(errs)
		}
		delivery += (<-arrived).Sub(start)
		commit += <-committed
	}
	b.ReportMetric(float64(delivery.Milliseconds())/float64(b.N), "ms-delivery")
	b.ReportMetric(float64(commit.Milliseconds())/float64(b.N), "ms-commit")
}
