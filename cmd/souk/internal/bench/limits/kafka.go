package limits

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"souk.example/cmd/souk/internal/tail"
	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/kafka"
)

// topicPrefix begins the names of scratch topics.
const topicPrefix = "souk.bench."

// kafka publishes packs to a topic of its own, and reads them back.
func (m meter) kafka(ctx context.Context) (_ []Limit, err error) {
	engine, err := m.engine("kafka")
	if err != nil {
		return nil, err
	}
	bus, err := kafka.Open(ctx, m.stack.Kafka, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer cleanup(ctx, &err, m.dropTopics)
	defer func() { err = errors.Join(err, bus.Close()) }() // first: it asks for the topic as long as it lives
	topic := topicPrefix + strings.ToLower(rand.Text()[:10])
	if err := errors.Join(m.dropTopics(ctx), bus.EnsureTopics(ctx, contracts.Partitions, topic)); err != nil {
		return nil, err
	}
	var published atomic.Int64
	produced, err := m.measure(ctx, KafkaProduce, engine, spin(m.cfg.Duration, publish(bus, topic, &published)))
	if err != nil {
		return nil, err
	}
	consumed, err := m.measure(ctx, KafkaConsume, engine, m.consume(topic, int(published.Load())))
	return []Limit{produced, consumed}, err
}

// publish sends a batch of events as a batch's transaction has them sent: a
// pack to each partition.
func publish(bus *kafka.Bus, topic string, published *atomic.Int64) step {
	return func(ctx context.Context, _ int) (int, error) {
		records := make([]eventbus.Record, contracts.Partitions)
		for p := range records {
			value, err := pack()
			if err != nil {
				return 0, err
			}
			records[p] = eventbus.Record{Topic: topic, Partition: int32(p), Value: value}
		}
		if err := errors.Join(bus.Publish(ctx, records)...); err != nil {
			return 0, err
		}
		published.Add(batch)
		return batch, nil
	}
}

func pack() ([]byte, error) {
	now := time.Now()
	events := make([]eventbus.Event, packed)
	for i := range events {
		id := now.UnixNano() + int64(i)
		e, err := contracts.NewEvent(contracts.OrderPlaced, id, &orderv1.OrderPlaced{
			OrderId: id, UserId: id, Version: 1, Lines: []*orderv1.Line{{Sku: "BENCH-0001", Quantity: 1, UnitPrice: 100}},
			Currency: "CNY", Total: 100, Payable: 100, PaymentMethod: contracts.MethodWallet, DeadlineUs: now.UnixMicro(),
		})
		if err != nil {
			return nil, err
		}
		events[i] = e
	}
	return eventbus.Encode("bench", now, events)
}

// errRead ends a reading that has come to the end.
var errRead = errors.New("all is read")

// readWait is what reading may take longer than the rest, which it does not:
// it ends with the last event.
const readWait = 10 * time.Second

// consume reads what was published. It joins no group, which would outlive the
// topic.
func (m meter) consume(topic string, published int) work {
	return func(ctx context.Context) (read int, err error) {
		timed, cancel := context.WithTimeout(ctx, m.cfg.Duration+readWait)
		defer cancel()
		var unreadable error
		err = tail.Run(timed, tail.Config{
			Brokers: m.stack.Kafka.Brokers, Topics: []string{topic}, Beginning: true,
			Unreadable: func(_ string, _ int32, _ int64, err error) { unreadable = err },
		}, func(string, eventbus.Event) error {
			if read++; read == published {
				return errRead
			}
			return nil
		})
		if errors.Is(err, errRead) {
			err = nil
		}
		return read, errors.Join(err, unreadable, ctx.Err())
	}
}

// dropTopics removes this run's topic, and those of runs that were killed.
func (m meter) dropTopics(context.Context) error {
	admin, err := m.kafkaAdmin()
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }()
	topics, err := admin.ListTopics()
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	for topic := range maps.Keys(topics) {
		if !strings.HasPrefix(topic, topicPrefix) {
			continue
		}
		if err := admin.DeleteTopic(topic); err != nil && !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			return fmt.Errorf("delete topic %s: %w", topic, err)
		}
	}
	return nil
}

func (m meter) kafkaAdmin() (sarama.ClusterAdmin, error) {
	cfg := sarama.NewConfig()
	cfg.Version, cfg.ClientID = sarama.V3_8_0_0, "souk-bench"
	admin, err := sarama.NewClusterAdmin(m.stack.Kafka.Brokers, cfg)
	if err != nil {
		return nil, fmt.Errorf("kafka at %v: %w", m.stack.Kafka.Brokers, err)
	}
	return admin, nil
}
