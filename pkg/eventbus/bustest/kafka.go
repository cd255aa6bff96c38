package bustest

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"souk.example/pkg/eventbus/kafka"
)

// Partitions is the number of partitions of the topics that Kafka creates.
const Partitions = 4

// Brokers returns the addresses of a Kafka to test against: the cluster that
// SOUK_TEST_KAFKA_BROKERS names, else a kfake broker that lives as long as
// the test.
func Brokers(t testing.TB) []string {
	t.Helper()
	if addrs := os.Getenv("SOUK_TEST_KAFKA_BROKERS"); addrs != "" {
		return strings.Split(addrs, ",")
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()))
	if err != nil {
		t.Fatalf("start kfake: %v", err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()
}

// Kafka returns a bus on Brokers with these topics, closed with the test. On a
// shared cluster topics outlive the test: take their names from Name.
func Kafka(t testing.TB, topics ...string) *kafka.Bus {
	t.Helper()
	bus, err := kafka.Open(t.Context(), kafka.Config{Brokers: Brokers(t)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("open kafka: %v", err)
	}
	t.Cleanup(func() {
		if err := bus.Close(); err != nil {
			t.Errorf("close kafka: %v", err)
		}
	})
	if err := bus.EnsureTopics(t.Context(), Partitions, topics...); err != nil {
		t.Fatalf("create topics: %v", err)
	}
	return bus
}
