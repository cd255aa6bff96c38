// Package bustest holds the conformance suite of eventbus and buses to test with.
package bustest

import (
	"context"
	"errors"
	"testing"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/kafka"
)

// Kafka returns a bus on a kfake broker of its own.
func Kafka(t testing.TB, topics ...string) *kafka.Bus { return nil }

// MemoryBus is a broker in memory.
type MemoryBus struct{}

// Memory returns an empty bus.
func Memory(partitions int32) *MemoryBus { return &MemoryBus{} }

// Publish implements eventbus.Publisher.
func (b *MemoryBus) Publish(ctx context.Context, records []eventbus.Record) []error { return nil }

// Consume implements eventbus.Consumer.
func (b *MemoryBus) Consume(ctx context.Context, group string, topics []string, claim func(ctx context.Context, c eventbus.Claim) error) error {
	return errors.New("not built")
}
