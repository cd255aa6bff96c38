// Package kafka is eventbus on Kafka.
package kafka

import (
	"context"
	"errors"
	"log/slog"

	"souk.example/pkg/eventbus"
)

// Config of the client.
type Config struct {
	Brokers     []string `env:"SOUK_KAFKA_BROKERS" envDefault:"127.0.0.1:9092"`
	Version     string   `env:"SOUK_KAFKA_VERSION" envDefault:"3.8.0"`
	Replication int16    `env:"SOUK_KAFKA_REPLICATION" envDefault:"1"`
}

// Bus implements both ports.
type Bus struct{}

var errNotBuilt = errors.New("not built")

// Open connects.
func Open(ctx context.Context, cfg Config, logger *slog.Logger) (*Bus, error) { return nil, errNotBuilt }

// EnsureTopics creates what is missing.
func (b *Bus) EnsureTopics(ctx context.Context, partitions int32, topics ...string) error {
	return errNotBuilt
}

// LogEnd tells the end of each partition.
func (b *Bus) LogEnd(ctx context.Context, topic string) (map[int32]int64, error) {
	return nil, errNotBuilt
}

// Committed tells a group's offsets.
func (b *Bus) Committed(ctx context.Context, group string, topics ...string) (map[string]map[int32]int64, error) {
	return nil, errNotBuilt
}

// Ping asks a broker for an answer.
func (b *Bus) Ping(ctx context.Context) error { return errNotBuilt }

// Close flushes and disconnects.
func (b *Bus) Close() error { return nil }

// Publish implements eventbus.Publisher.
func (b *Bus) Publish(ctx context.Context, records []eventbus.Record) []error {
	errs := make([]error, len(records))
	for i := range errs {
		errs[i] = errNotBuilt
	}
	return errs
}

// Consume implements eventbus.Consumer.
func (b *Bus) Consume(ctx context.Context, group string, topics []string, claim func(ctx context.Context, c eventbus.Claim) error) error {
	return errNotBuilt
}
