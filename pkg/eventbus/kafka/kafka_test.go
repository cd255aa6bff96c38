package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/pkg/eventbus/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOpenRefusesUnsafeSettings(t *testing.T) {
	for name, adjust := range map[string]func(*sarama.Config){
		"acks of the leader":      func(c *sarama.Config) { c.Producer.RequiredAcks = sarama.WaitForLocal },
		"no acks":                 func(c *sarama.Config) { c.Producer.RequiredAcks = sarama.NoResponse },
		"not idempotent":          func(c *sarama.Config) { c.Producer.Idempotent = false },
		"many requests in flight": func(c *sarama.Config) { c.Net.MaxOpenRequests = 5 },
		"no successes":            func(c *sarama.Config) { c.Producer.Return.Successes = false },
		"no errors":               func(c *sarama.Config) { c.Producer.Return.Errors = false },
		"flush by count alone":    func(c *sarama.Config) { c.Producer.Flush.Messages, c.Producer.Flush.Frequency = 100, 0 },
		"auto-commit":             func(c *sarama.Config) { c.Consumer.Offsets.AutoCommit.Enable = true },
		"newest offset":           func(c *sarama.Config) { c.Consumer.Offsets.Initial = sarama.OffsetNewest },
		"reset invalid offsets":   func(c *sarama.Config) { c.Consumer.Group.ResetInvalidOffsets = true },
		"auto topic creation":     func(c *sarama.Config) { c.Metadata.AllowAutoTopicCreation = true },
	} {
		t.Run(name, func(t *testing.T) {
			// No broker listens there: the settings are refused before one is asked.
			_, err := kafka.Open(t.Context(), kafka.Config{Brokers: []string{"127.0.0.1:1"}, Adjust: adjust}, discard())
			if !errors.Is(err, kafka.ErrUnsafe) {
				t.Errorf("Open() = %v, want ErrUnsafe", err)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, cfg := range map[string]kafka.Config{
		"no brokers":           {},
		"no version":           {Brokers: []string{"a:1"}, Version: "latest"},
		"negative replication": {Brokers: []string{"a:1"}, Replication: -1},
	} {
		t.Run(name, func(t *testing.T) {
			if err := cfg.Validate(); err == nil {
				t.Error("Validate() = nil")
			}
		})
	}
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := kafka.Open(ctx, kafka.Config{Brokers: []string{"127.0.0.1:1"}}, discard()); err == nil {
		t.Error("Open() = nil without a broker")
	}
}

func TestEnsureTopicsKeepsPartitionCounts(t *testing.T) {
	topic := bustest.Name(t, "topic")
	bus := bustest.Kafka(t, topic)
	if err := bus.EnsureTopics(t.Context(), bustest.Partitions, topic); err != nil {
		t.Errorf("EnsureTopics() of an existing topic = %v", err)
	}
	if err := bus.EnsureTopics(t.Context(), bustest.Partitions+1, topic); err == nil {
		t.Error("EnsureTopics() = nil for a topic with another number of partitions")
	}
}

// An acknowledged record must be on two brokers where there are two.
func TestReplicatedTopicsWantTwoInSync(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	admin, err := sarama.NewClusterAdmin(cluster.ListenAddrs(), sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	for replication, want := range map[int16]string{1: "", 3: "2"} {
		topic := fmt.Sprint("replicated-", replication)
		bus, err := kafka.Open(t.Context(), kafka.Config{Brokers: cluster.ListenAddrs(), Replication: replication}, discard())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(bus.EnsureTopics(t.Context(), 1, topic), bus.Close()); err != nil {
			t.Fatal(err)
		}
		if got := setting(t, admin, topic, "min.insync.replicas"); got != want {
			t.Errorf("replication %d: min.insync.replicas is %q, want %q", replication, got, want)
		}
	}
}

// setting is what the topic itself says, "" when it follows the broker.
func setting(t *testing.T, admin sarama.ClusterAdmin, topic, name string) string {
	t.Helper()
	//nolint:staticcheck // one resource is all that is asked
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name == name && e.Source == sarama.SourceTopic {
			return e.Value
		}
	}
	return ""
}

func TestPublishGivesUpWithItsContext(t *testing.T) {
	topic := bustest.Name(t, "topic")
	bus := bustest.Kafka(t, topic)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	errs := bus.Publish(ctx, []eventbus.Record{{Topic: topic}, {Topic: topic}})
	if len(errs) != 2 || !errors.Is(errs[0], context.Canceled) || !errors.Is(errs[1], context.Canceled) {
		t.Errorf("Publish() with a dead context = %v", errs)
	}
}

func TestPublishRefusesWhatIsTooLarge(t *testing.T) {
	topic := bustest.Name(t, "topic")
	bus := bustest.Kafka(t, topic)
	errs := bus.Publish(t.Context(), []eventbus.Record{
		{Topic: topic, Value: []byte("fits")},
		{Topic: topic, Value: make([]byte, 2<<20)},
	})
	if len(errs) != 2 || errs[0] != nil || errs[1] == nil {
		t.Errorf("Publish() = %v, want an error for the second record alone", errs)
	}
}

// A group whose committed offset is no longer in the log says so, loudly, and
// reads on from the oldest record: retention may have taken what it had not read.
func TestOffsetOutsideTheLog(t *testing.T) {
	topic, group := bustest.Name(t, "topic"), bustest.Name(t, "group")
	addrs := bustest.Brokers(t)
	var log lockedBuffer
	bus, err := kafka.Open(t.Context(), kafka.Config{Brokers: addrs}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	if err := bus.EnsureTopics(t.Context(), bustest.Partitions, topic); err != nil {
		t.Fatal(err)
	}
	publish(t, bus, topic, "a", "b", "c")
	commitFirst(t, bus, topic, group)
	deleteRecords(t, addrs, topic, 2)

	got := make(chan eventbus.Claim, 10)
	consume(t, bus, group, topic, func(ctx context.Context, c eventbus.Claim) error {
		for r := range c.Records() {
			if string(r.Value) == "c" {
				got <- c
			}
		}
		return nil
	})
	if c := <-got; c.InitialOffset() != 2 {
		t.Errorf("InitialOffset() = %d, want 2, the oldest", c.InitialOffset())
	}
	if !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("no alarm in the log: %s", log.String())
	}
}

func publish(t *testing.T, bus *kafka.Bus, topic string, values ...string) {
	t.Helper()
	for _, v := range values {
		if errs := bus.Publish(t.Context(), []eventbus.Record{{Topic: topic, Value: []byte(v)}}); errs != nil {
			t.Fatal(errs)
		}
	}
}

func commitFirst(t *testing.T, bus *kafka.Bus, topic, group string) {
	t.Helper()
	committed := make(chan error, 10)
	stop := consume(t, bus, group, topic, func(_ context.Context, c eventbus.Claim) error {
		for r := range c.Records() {
			if r.Offset == 0 {
				committed <- c.Commit(1)
			}
		}
		return nil
	})
	if err := <-committed; err != nil {
		t.Fatal(err)
	}
	stop()
}

func consume(t *testing.T, bus *kafka.Bus, group, topic string, claim func(context.Context, eventbus.Claim) error) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var member sync.WaitGroup
	member.Go(func() {
		if err := bus.Consume(ctx, group, []string{topic}, claim); err != nil {
			t.Errorf("Consume() = %v", err)
		}
	})
	stop = func() {
		cancel()
		member.Wait()
	}
	t.Cleanup(stop)
	return stop
}

func deleteRecords(t *testing.T, addrs []string, topic string, before int64) {
	t.Helper()
	c := sarama.NewConfig()
	c.Version = sarama.V3_8_0_0
	admin, err := sarama.NewClusterAdmin(addrs, c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.DeleteRecords(topic, map[int32]int64{0: before}); err != nil {
		t.Fatal(err)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
