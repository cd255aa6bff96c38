// Package kafka implements eventbus's ports with Kafka, through sarama.
//
// Its settings favour what is right over what is fast, and are not
// configurable: acks=all, an idempotent producer, no auto-commit, no silent
// skipping of offsets. See settings.go.
package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// retryPause is the pause between attempts to reach a cluster.
const retryPause = 250 * time.Millisecond

// leaderPatience is how long a partition may be without a leader that knows it.
const leaderPatience = 5 * time.Second

// Bus publishes to and consumes from one cluster. It is safe for concurrent
// use. It implements eventbus.Publisher and eventbus.Consumer.
type Bus struct {
	cfg      Config
	logger   *slog.Logger
	client   sarama.Client
	producer sarama.AsyncProducer
	outcomes sync.WaitGroup // the two readers of the producer's answers
}

// Open connects to the cluster, trying until a broker answers or ctx ends.
// Settings that could lose data are refused with ErrUnsafe. Close the bus
// when its publishers and consumers have ended.
func Open(ctx context.Context, cfg Config, logger *slog.Logger) (*Bus, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	set, err := settings(cfg)
	if err != nil {
		return nil, err
	}
	client, err := connect(ctx, cfg.Brokers, set)
	if err != nil {
		return nil, fmt.Errorf("connect to kafka at %v: %w", cfg.Brokers, err)
	}
	producer, err := sarama.NewAsyncProducerFromClient(client)
	if err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("open kafka producer: %w", err)
	}
	b := &Bus{cfg: cfg, logger: logger, client: client, producer: producer}
	b.outcomes.Go(b.readSuccesses)
	b.outcomes.Go(b.readErrors)
	return b, nil
}

// connect returns a client, or the last reason why there is none at ctx's end.
func connect(ctx context.Context, brokers []string, set *sarama.Config) (sarama.Client, error) {
	for {
		client, err := sarama.NewClient(brokers, set)
		if err == nil {
			return client, nil
		}
		if !pause(ctx) {
			return nil, err
		}
	}
}

// pause waits for retryPause and reports whether ctx is still alive.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(retryPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// Close sends what is still being published and disconnects.
func (b *Bus) Close() error {
	b.producer.AsyncClose()
	b.outcomes.Wait()
	if err := b.client.Close(); err != nil {
		return fmt.Errorf("close kafka client: %w", err)
	}
	return nil
}
