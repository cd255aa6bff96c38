package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/IBM/sarama"

	"souk.example/pkg/eventbus"
)

type topicPartition struct {
	topic     string
	partition int32
}

// member is this process in a group. Sarama calls it as a
// ConsumerGroupHandler, from several goroutines.
type member struct {
	group   sarama.ConsumerGroup
	client  sarama.Client
	claim   func(ctx context.Context, c eventbus.Claim) error
	logger  *slog.Logger
	offsets offsets
	readers sync.WaitGroup

	mu   sync.Mutex
	lost map[topicPartition]struct{} // their committed offset is outside the log
}

// ConsumeClaim lends one partition to the claim function.
func (m *member) ConsumeClaim(sess sarama.ConsumerGroupSession, sc sarama.ConsumerGroupClaim) error {
	initial, err := m.initialOffset(sc)
	if err != nil {
		return err
	}
	// A partition that was paused when it was last ours stays paused (sarama #3681).
	m.group.Resume(map[string][]int32{sc.Topic(): {sc.Partition()}})

	// A partition that is taken away closes sc.Messages; only the end of the
	// whole session ends its context.
	ctx, cancel := context.WithCancel(sess.Context())
	c := &claim{sess: sess, sc: sc, initial: initial, records: make(chan eventbus.Record)}
	var forwarder sync.WaitGroup
	forwarder.Go(func() {
		defer cancel()
		c.forward(ctx)
	})
	err = m.claim(ctx, c)
	cancel()
	forwarder.Wait()
	c.end()
	return err
}

// initialOffset turns "the oldest", which a group without a committed offset
// starts at, into a number.
func (m *member) initialOffset(sc sarama.ConsumerGroupClaim) (int64, error) {
	if offset := sc.InitialOffset(); offset >= 0 {
		return offset, nil
	}
	return m.client.GetOffset(sc.Topic(), sc.Partition(), sarama.OffsetOldest)
}

// Setup runs before the claims of a new session start to read.
func (m *member) Setup(sess sarama.ConsumerGroupSession) error {
	m.offsets.follow(sess)
	m.reposition(sess)
	return nil
}

// Cleanup runs when a session's claims have returned: what they committed last is
// stored. With cooperative rebalancing a claim may come after Setup, so this is the
// other chance to move an offset that stands outside the log.
func (m *member) Cleanup(sess sarama.ConsumerGroupSession) error {
	m.offsets.follow(nil)
	sess.Commit()
	m.reposition(sess)
	return nil
}

// reposition commits the oldest offset of each partition of this session
// whose committed one is outside the log.
func (m *member) reposition(sess sarama.ConsumerGroupSession) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, partitions := range sess.Claims() {
		for _, p := range partitions {
			tp := topicPartition{topic, p}
			if _, ok := m.lost[tp]; ok && m.commitOldest(sess, tp) {
				delete(m.lost, tp)
			}
		}
	}
}

func (m *member) commitOldest(sess sarama.ConsumerGroupSession, tp topicPartition) bool {
	oldest, err := m.client.GetOffset(tp.topic, tp.partition, sarama.OffsetOldest)
	if err != nil {
		return false // its claim will fail and bring us here again
	}
	sess.MarkOffset(tp.topic, tp.partition, oldest, "")  // the log began later
	sess.ResetOffset(tp.topic, tp.partition, oldest, "") // or ends earlier
	sess.Commit()
	return true
}

// readErrors logs what sarama reports, and remembers which partitions' offsets
// are outside the log.
func (m *member) readErrors() {
	for err := range m.group.Errors() {
		where, ok := errors.AsType[*sarama.ConsumerError](err)
		if !ok || !errors.Is(err, sarama.ErrOffsetOutOfRange) {
			m.logger.Warn("kafka consumer", slog.Any("error", err))
			continue
		}
		m.logger.Error("kafka offset is outside the log: records are lost; reading from the oldest",
			slog.String("topic", where.Topic), slog.Int("partition", int(where.Partition)))
		m.mu.Lock()
		m.lost[topicPartition{where.Topic, where.Partition}] = struct{}{}
		m.mu.Unlock()
	}
}
