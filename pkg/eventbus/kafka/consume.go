package kafka

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/IBM/sarama"

	"souk.example/pkg/eventbus"
)

// Consume implements eventbus.Consumer. It outlives every failure of the
// cluster: it joins again until ctx ends, and logs why it had to.
func (b *Bus) Consume(ctx context.Context, group string, topics []string, claim func(ctx context.Context, c eventbus.Claim) error) error {
	set, err := settings(b.cfg)
	if err != nil {
		return err
	}
	set.ChannelBufferSize = readAhead
	client, err := b.connectMember(ctx, set)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("connect group %s: %w", group, err)
	}
	defer func() { _ = client.Close() }()
	members, err := sarama.NewConsumerGroupFromClient(group, client)
	if err != nil {
		return fmt.Errorf("open group %s: %w", group, err)
	}
	m := &member{
		group:  members,
		client: client,
		claim:  claim,
		logger: b.logger.With(slog.String("group", group)),
		lost:   make(map[topicPartition]struct{}),
	}
	m.run(ctx, topics)
	return nil
}

// connectMember returns a client of the member's own: groups cannot share one.
func (b *Bus) connectMember(ctx context.Context, set *sarama.Config) (sarama.Client, error) {
	reading, err := connect(ctx, b.cfg.Brokers, set)
	if err != nil {
		return nil, err
	}
	coordination, err := connect(ctx, b.cfg.Brokers, set)
	if err != nil {
		_ = reading.Close()
		return nil, err
	}
	return memberClient{reading, coordination}, nil
}

// run takes part in the group until ctx ends.
func (m *member) run(ctx context.Context, topics []string) {
	m.readers.Go(m.readErrors)
	m.readers.Go(func() { m.offsets.keep(ctx) })
	for ctx.Err() == nil {
		// Consume returns whenever a session ends: a claim returned, the
		// coordinator forgot us, a partition's offset was out of range.
		if err := m.group.Consume(ctx, topics, m); err != nil && ctx.Err() == nil {
			m.logger.Warn("kafka group session failed", slog.Any("error", err))
		}
		pause(ctx)
	}
	if err := m.group.Close(); err != nil {
		m.logger.Warn("kafka group not left in order", slog.Any("error", err))
	}
	m.readers.Wait()
}
