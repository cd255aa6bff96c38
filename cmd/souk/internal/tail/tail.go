// Package tail reads Kafka topics without joining a group, so that watching
// leaves no trace.
package tail

import (
	"context"
	"fmt"
	"sync"

	"github.com/IBM/sarama"

	"souk.example/pkg/eventbus"
)

// Config says what to read.
type Config struct {
	Brokers   []string
	Topics    []string
	Beginning bool // from the oldest record, instead of what comes next
	// Unreadable is told of records that cannot be decoded, which are passed
	// over.
	Unreadable func(topic string, partition int32, offset int64, err error)
}

// Run calls each for every event until ctx ends or each returns an error,
// which Run returns. Events of one partition come in order; each is never
// called concurrently.
func Run(ctx context.Context, cfg Config, each func(topic string, e eventbus.Event) error) error {
	consumer, err := newConsumer(cfg.Brokers)
	if err != nil {
		return err
	}
	defer func() { _ = consumer.Close() }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	records, wait, err := merge(ctx, consumer, cfg)
	if err != nil {
		return err
	}
	defer wait()
	defer cancel(nil)
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-records:
			if err := cfg.deliver(r, each); err != nil {
				return err
			}
		}
	}
}

func newConsumer(brokers []string) (sarama.Consumer, error) {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_8_0_0
	cfg.ClientID = "souk-tail"
	c, err := sarama.NewConsumer(brokers, cfg)
	if err != nil {
		return nil, fmt.Errorf("kafka at %v: %w", brokers, err)
	}
	return c, nil
}

// merge reads every partition into one channel until ctx ends; wait returns
// when nothing is read any more.
func merge(ctx context.Context, consumer sarama.Consumer, cfg Config) (<-chan *sarama.ConsumerMessage, func(), error) {
	from := sarama.OffsetNewest
	if cfg.Beginning {
		from = sarama.OffsetOldest
	}
	out := make(chan *sarama.ConsumerMessage)
	var wg sync.WaitGroup
	for _, topic := range cfg.Topics {
		partitions, err := consumer.Partitions(topic)
		if err != nil {
			return nil, nil, fmt.Errorf("partitions of %s: %w", topic, err)
		}
		for _, p := range partitions {
			pc, err := consumer.ConsumePartition(topic, p, from)
			if err != nil {
				return nil, nil, fmt.Errorf("read %s-%d: %w", topic, p, err)
			}
			wg.Go(func() { forward(ctx, pc, out) })
		}
	}
	return out, wg.Wait, nil
}

func forward(ctx context.Context, pc sarama.PartitionConsumer, out chan<- *sarama.ConsumerMessage) {
	defer func() { _ = pc.Close() }()
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-pc.Messages():
			if !ok {
				return
			}
			select {
			case out <- m:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (c Config) deliver(m *sarama.ConsumerMessage, each func(topic string, e eventbus.Event) error) error {
	events, err := eventbus.Decode(m.Value)
	if err != nil {
		c.Unreadable(m.Topic, m.Partition, m.Offset, err)
	}
	for _, e := range events {
		if err := each(m.Topic, e); err != nil {
			return err
		}
	}
	return nil
}
