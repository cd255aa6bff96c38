package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

const (
	retentionBytes = 32 << 20 // per partition; event_log in SQL keeps everything
	segmentBytes   = 8 << 20
	retainEvery    = 30 * time.Second // kfake's own timer is hourly
	tenYears       = 10 * 365 * 24 * time.Hour
)

// kafkaBroker is one kfake broker with its data on disk.
type kafkaBroker struct {
	*kfake.Cluster
	addr string
}

func startKafka(cfg Config, logger *slog.Logger) (*kafkaBroker, error) {
	dir := filepath.Join(cfg.Dir, "kafka")
	if err := repair(dir, logger); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	cluster, err := kfake.NewCluster(
		kfake.Ports(cfg.KafkaPort),
		kfake.ClusterID("souk-embedded"),
		kfake.DataDir(dir),
		kfake.BrokerConfigs(brokerConfigs()),
		kfake.WithLogger(kafkaLog{logger.With("engine", "kafka")}),
	)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	b := &kafkaBroker{Cluster: cluster, addr: cluster.ListenAddrs()[0]}
	if err := b.ensureTopics(cfg.Partitions, cfg.Topics); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// brokerConfigs bounds the log by size only. By age, a souk left alone for a
// week would lose whole partitions, and kfake restarts an empty partition at
// offset 0: below what the groups have committed.
func brokerConfigs() map[string]string {
	return map[string]string{
		"log.retention.ms":          "-1",
		"log.retention.bytes":       strconv.Itoa(retentionBytes),
		"log.segment.bytes":         strconv.Itoa(segmentBytes),
		"offsets.retention.minutes": strconv.Itoa(int(tenYears / time.Minute)),
	}
}

// ensureTopics creates what is missing. (kfake's own seeding is skipped once
// the data directory exists, so topics added by a later version would be.)
func (b *kafkaBroker) ensureTopics(partitions int32, topics []string) error {
	for _, topic := range topics {
		if b.TopicInfo(topic) != nil {
			continue
		}
		if err := b.CreateTopic(topic, partitions, nil); err != nil {
			return fmt.Errorf("kafka: create %s: %w", topic, err)
		}
	}
	return nil
}

// Addr is the host:port of the broker.
func (b *kafkaBroker) Addr() string { return b.addr }

// retain applies retention until ctx ends.
func (b *kafkaBroker) retain(ctx context.Context) error {
	ticker := time.NewTicker(retainEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			b.ApplyRetention()
		}
	}
}

// kafkaLog passes kfake's warnings and errors on; the rest is chatter.
type kafkaLog struct{ to *slog.Logger }

func (l kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.to.Error(fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.to.Warn(fmt.Sprintf(format, args...))
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
}
