package kafka

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

const (
	// linger is what a lone record waits for company: enough to fill batches
	// under load, too little to be noticed when idle.
	linger = 2 * time.Millisecond
	// fetchWait bounds a long poll. A broker answers it as soon as there is
	// data; only a partition that joins the poll waits for its end.
	fetchWait = 250 * time.Millisecond
	// sessionTimeout is how long a killed member stalls its partitions.
	sessionTimeout = 10 * time.Second
	// heartbeat is also how soon a member notices that others come or go.
	heartbeat = time.Second
	// readAhead bounds the records in memory per partition, and so the work a
	// member still does after a partition was taken from it.
	readAhead = 16
	// headroom is what a batch may need above the largest record.
	headroom = 64 << 10
)

// settings returns sarama's configuration for cfg, checked.
func settings(cfg Config) (*sarama.Config, error) {
	version, err := sarama.ParseKafkaVersion(cfg.Version)
	if err != nil {
		return nil, fmt.Errorf("kafka version %q: %w", cfg.Version, err)
	}
	c := sarama.NewConfig()
	c.Version = version
	c.ClientID = cfg.ClientID
	setNetwork(c)
	setProducer(c, cfg.MaxRecordBytes)
	setConsumer(c)
	if err := cfg.secure(c); err != nil {
		return nil, err
	}
	if cfg.Adjust != nil {
		cfg.Adjust(c)
	}
	if err := checkSafe(c); err != nil {
		return nil, err
	}
	return c, nil
}

func setNetwork(c *sarama.Config) {
	c.Net.DialTimeout = 3 * time.Second
	c.Net.ReadTimeout = 10 * time.Second
	c.Net.WriteTimeout = 10 * time.Second
	c.Net.MaxOpenRequests = 1 // the idempotent producer needs it
	c.Metadata.AllowAutoTopicCreation = false
}

func setProducer(c *sarama.Config, maxBytes int) {
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Idempotent = true
	c.Producer.Compression = sarama.CompressionLZ4
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Producer.MaxMessageBytes = maxBytes + headroom
	c.Producer.Flush.Frequency = linger
	c.Producer.Retry.Max = 5
	c.Producer.Return.Successes = true
	c.Producer.Return.Errors = true
}

func setConsumer(c *sarama.Config) {
	c.Consumer.MaxWaitTime = fetchWait
	c.Consumer.MaxProcessingTime = time.Second
	c.Consumer.Retry.Backoff = fetchWait
	c.Consumer.Return.Errors = true
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Enable = false
	c.Consumer.Group.Session.Timeout = sessionTimeout
	c.Consumer.Group.Heartbeat.Interval = heartbeat
	c.Consumer.Group.Rebalance.Retry.Backoff = fetchWait
	c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyCooperativeSticky()}
	c.Consumer.Group.ResetInvalidOffsets = false
}

// ErrUnsafe is returned by Open for settings under which acknowledged data can
// be lost, skipped or reordered.
var ErrUnsafe = errors.New("kafka: unsafe client settings")

// checkSafe refuses each setting that has lost data in somebody's system.
func checkSafe(c *sarama.Config) error {
	for _, rule := range []struct {
		broken bool
		why    string
	}{
		{c.Producer.RequiredAcks != sarama.WaitForAll, "acks below all lose acknowledged records with their leader"},
		{!c.Producer.Idempotent, "a producer that is not idempotent reorders when it retries"},
		{c.Net.MaxOpenRequests != 1, "more than one open request reorders when it retries"},
		{!c.Producer.Return.Successes || !c.Producer.Return.Errors, "unreported outcomes leave publishers waiting"},
		{c.Producer.Flush.Messages > 0 && c.Producer.Flush.Frequency == 0, "a flush by count alone never sends the last records"},
		{c.Consumer.Offsets.AutoCommit.Enable, "auto-commit acknowledges records that are not yet done"},
		{c.Consumer.Offsets.Initial != sarama.OffsetOldest, "a new group that starts at the newest offset skips what is there"},
		{c.Consumer.Group.ResetInvalidOffsets, "resetting invalid offsets hides lost records"},
		{c.Metadata.AllowAutoTopicCreation, "an auto-created topic has the wrong number of partitions"},
	} {
		if rule.broken {
			return fmt.Errorf("%w: %s", ErrUnsafe, rule.why)
		}
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("kafka settings: %w", err)
	}
	return nil
}
