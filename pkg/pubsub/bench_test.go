package pubsub_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient/redistest"
)

const batch = 100

var invalidated = pubsub.Message{Schema: pubsub.Schema, Service: "inventory", Topic: "cache:product", Key: "SKU-0001", Status: "invalidated", Time: time.Unix(1_790_000_000, 0).UTC()}

func perSecond(b *testing.B, messages int) {
	b.ReportMetric(float64(b.N)*float64(messages)/b.Elapsed().Seconds(), "messages/s")
}

// Bare PUBLISH of the same messages, in pipelines: what Redis can do without
// positions and a log.
func BenchmarkBarePublishPipelined(b *testing.B) {
	rdb := redistest.Open(b)
	for b.Loop() {
		_, err := rdb.Write().Pipelined(b.Context(), func(p redis.Pipeliner) error {
			for range batch {
				body, _ := json.Marshal(invalidated)
				p.Publish(b.Context(), "souk:broadcast", body)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, batch)
}

func BenchmarkPublishBatch(b *testing.B) {
	bus, messages := newBus(b, redistest.Open(b)), make([]pubsub.Message, batch)
	for i := range messages {
		messages[i] = invalidated
	}
	for b.Loop() {
		if err := bus.Publish(b.Context(), messages...); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, batch)
}

// Many callers, one message each.
func BenchmarkPublishConcurrently(b *testing.B) {
	bus := newBus(b, redistest.Open(b))
	b.SetParallelism(256)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := bus.Publish(b.Context(), invalidated); err != nil {
				b.Error(err)
			}
		}
	})
	perSecond(b, 1)
}

// One caller that waits for each, and what a bare PUBLISH takes.
func BenchmarkPublishOne(b *testing.B) {
	rdb := redistest.Open(b)
	body, _ := json.Marshal(invalidated)
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			if err := rdb.Write().Publish(b.Context(), "souk:broadcast", body).Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bus", func(b *testing.B) {
		bus := newBus(b, rdb)
		for b.Loop() {
			if err := bus.Publish(b.Context(), invalidated); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkStateGet(b *testing.B) {
	a := startNode(b, redistest.Open(b), quick)
	a.set(b, flags{"a": true})
	for b.Loop() {
		_, _ = a.Get()
	}
}
