package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/IBM/sarama"
)

// Ping reports whether the cluster answers. It blocks for as long as the
// client's network timeouts let it.
func (b *Bus) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := b.client.RefreshController(); err != nil {
		return fmt.Errorf("ping kafka: %w", err)
	}
	return nil
}

// EnsureTopics creates the topics that are missing, with that many partitions,
// and waits until they can be used. A topic that exists with another number of
// partitions is an error: keys would move between partitions.
func (b *Bus) EnsureTopics(ctx context.Context, partitions int32, topics ...string) error {
	admin, err := sarama.NewClusterAdminFromClient(b.client)
	if err != nil {
		return fmt.Errorf("open kafka admin: %w", err)
	}
	for _, topic := range topics {
		if err := b.createTopic(ctx, admin, topic, partitions); err != nil {
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
		if err := b.awaitTopic(ctx, topic, partitions); err != nil {
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
	}
	return nil
}

// createTopic asks again while a busy cluster does not answer in time.
func (b *Bus) createTopic(ctx context.Context, admin sarama.ClusterAdmin, topic string, partitions int32) error {
	for {
		err := admin.CreateTopic(topic, &sarama.TopicDetail{
			NumPartitions:     partitions,
			ReplicationFactor: b.cfg.Replication,
			ConfigEntries:     b.topicSettings(),
		}, false)
		switch {
		case errors.Is(err, sarama.ErrTopicAlreadyExists):
			return nil
		case !errors.Is(err, sarama.ErrRequestTimedOut) && !errors.Is(err, sarama.ErrNotController):
			return err
		case !pause(ctx):
			return errors.Join(ctx.Err(), err)
		}
	}
}

// topicSettings are those of a new topic. A record counts as written only when
// two brokers have it, if there are so many: the brokers' own default is one,
// and then an acknowledged record is lost with a single machine.
func (b *Bus) topicSettings() map[string]*string {
	maxBytes, inSync := strconv.Itoa(b.cfg.MaxRecordBytes+2*headroom), "2"
	settings := map[string]*string{"max.message.bytes": &maxBytes}
	if b.cfg.Replication > 1 {
		settings["min.insync.replicas"] = &inSync
	}
	return settings
}

// awaitTopic returns when the brokers name a leader for every partition.
func (b *Bus) awaitTopic(ctx context.Context, topic string, partitions int32) error {
	for {
		err := b.client.RefreshMetadata(topic)
		if err == nil {
			var have []int32
			if have, err = b.client.WritablePartitions(topic); err == nil && len(have) == int(partitions) {
				return nil
			}
			if all, allErr := b.client.Partitions(topic); allErr == nil && len(all) != int(partitions) {
				return fmt.Errorf("it has %d partitions, want %d", len(all), partitions)
			}
		}
		if !pause(ctx) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// LogEnd returns, per partition, the offset that its next record will get.
func (b *Bus) LogEnd(ctx context.Context, topic string) (map[int32]int64, error) {
	partitions, err := b.client.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	ends := make(map[int32]int64, len(partitions))
	for _, p := range partitions {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if ends[p], err = b.newestOffset(ctx, topic, p); err != nil {
			return nil, fmt.Errorf("log end of %s/%d: %w", topic, p, err)
		}
	}
	return ends, nil
}

// newestOffset asks again, for a while, when the broker that was asked does not
// lead the partition yet or any more.
func (b *Bus) newestOffset(ctx context.Context, topic string, partition int32) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	for {
		offset, err := b.client.GetOffset(topic, partition, sarama.OffsetNewest)
		if !errors.Is(err, sarama.ErrNotLeaderForPartition) && !errors.Is(err, sarama.ErrLeaderNotAvailable) {
			return offset, err
		}
		if !pause(ctx) {
			return 0, errors.Join(ctx.Err(), err)
		}
		_ = b.client.RefreshMetadata(topic) // its error is the next answer's
	}
}

// Committed returns the group's committed offsets by topic and partition.
// A partition without one is absent.
func (b *Bus) Committed(ctx context.Context, group string, topics ...string) (map[string]map[int32]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	admin, err := sarama.NewClusterAdminFromClient(b.client)
	if err != nil {
		return nil, fmt.Errorf("open kafka admin: %w", err)
	}
	asked := make(map[string][]int32, len(topics))
	for _, topic := range topics {
		if asked[topic], err = b.client.Partitions(topic); err != nil {
			return nil, fmt.Errorf("partitions of %s: %w", topic, err)
		}
	}
	resp, err := admin.ListConsumerGroupOffsets(group, asked)
	if err != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", group, err)
	}
	return committedOffsets(resp, topics)
}

func committedOffsets(resp *sarama.OffsetFetchResponse, topics []string) (map[string]map[int32]int64, error) {
	committed := make(map[string]map[int32]int64, len(topics))
	for _, topic := range topics {
		committed[topic] = make(map[int32]int64)
		for p, block := range resp.Blocks[topic] {
			if !errors.Is(block.Err, sarama.ErrNoError) {
				return nil, fmt.Errorf("offset of %s/%d: %w", topic, p, block.Err)
			}
			if block.Offset >= 0 {
				committed[topic][p] = block.Offset
			}
		}
	}
	return committed, nil
}
