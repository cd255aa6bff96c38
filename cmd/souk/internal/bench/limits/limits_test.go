package limits_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/empty/emptytest"
	"souk.example/cmd/souk/internal/bench/limits"
	"souk.example/internal/embedded"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus/kafka"
	"souk.example/pkg/redisclient"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// stack is embedded engines in this process.
func stack(t *testing.T) limits.Stack {
	t.Helper()
	engines, err := embedded.Start(embedded.Config{Dir: t.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engines.Close)
	return limits.Stack{
		Engines: "embedded", Database: databasetest.Open(t),
		Redis:     redisclient.Config{Addrs: []string{engines.RedisAddr()}},
		Kafka:     kafka.Config{Brokers: []string{engines.KafkaAddr()}},
		Processes: []cputime.Process{{Name: limits.Host, PID: os.Getpid()}},
		Empty:     emptytest.Start,
	}
}

func quick() limits.Config { return limits.Config{Duration: 100 * time.Millisecond} }

func TestEveryOperationOfTheBoundIsMeasured(t *testing.T) {
	s := stack(t)
	r, err := limits.Run(t.Context(), quick(), s)
	if err != nil {
		t.Fatal(err)
	}
	counts := limits.Counts(limits.Course{})
	if len(r.Limits) != len(counts) {
		t.Errorf("%d operations measured, %d counted", len(r.Limits), len(counts))
	}
	sum := 0.0
	for _, l := range r.Limits {
		if n, counted := counts[l.Operation]; !counted || l.PerOrder != n || l.PerS <= 0 || l.CPUUS < 0 {
			t.Errorf("%+v, counted %g times", l, n)
		}
		sum += l.PerOrder * l.CPUUS
	}
	if r.BoundUSPerOrder < sum-0.1 || r.BoundUSPerOrder > sum+0.1 {
		t.Errorf("bound %g, the operations add up to %g", r.BoundUSPerOrder, sum)
	}
	leftNothing(t, s)
}

func TestAnInterruptedRunLeavesNothing(t *testing.T) {
	for _, at := range []limits.Operation{limits.RedisScript, limits.KafkaProduce, limits.KafkaConsume, limits.InsertRow} {
		t.Run(string(at), func(t *testing.T) {
			s, cfg := stack(t), quick()
			ctx, interrupt := context.WithCancel(t.Context())
			cfg.Progress = func(what string) {
				if strings.HasSuffix(what, string(at)) {
					interrupt()
				}
			}
			if _, err := limits.Run(ctx, cfg, s); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			leftNothing(t, s)
		})
	}
}

func TestWhatAKilledRunLeftIsRemoved(t *testing.T) {
	s := stack(t)
	if _, err := s.Database.Exec(t.Context(), "CREATE TABLE bench_limits_orders (id INT)"); err != nil {
		t.Fatal(err)
	}
	if err := admin(t, s).CreateTopic("souk.bench.old", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := limits.Run(t.Context(), quick(), s); err != nil {
		t.Fatal(err)
	}
	leftNothing(t, s)
}

func admin(t *testing.T, s limits.Stack) sarama.ClusterAdmin {
	t.Helper()
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_8_0_0
	a, err := sarama.NewClusterAdmin(s.Kafka.Brokers, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func leftNothing(t *testing.T, s limits.Stack) {
	t.Helper()
	for _, table := range []string{"bench_limits_orders", "bench_limits_rows", "bench_limits_stock"} {
		if _, err := s.Database.Exec(t.Context(), "DELETE FROM "+table); err == nil {
			t.Errorf("%s is there", table)
		}
	}
	topics, err := admin(t, s).ListTopics()
	if err != nil {
		t.Fatal(err)
	}
	for topic := range topics {
		t.Errorf("topic %s is there", topic)
	}
	client, err := redisclient.Open(t.Context(), s.Redis)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if keys, err := client.Read().Keys(t.Context(), "*").Result(); len(keys) != 0 || err != nil {
		t.Errorf("keys %v, %v", keys, err)
	}
}

// The numbers are those of the services' stores; see Needs.
func TestWhatAnOrderMakes(t *testing.T) {
	for name, c := range map[string]struct {
		course limits.Course
		want   map[limits.Operation]float64
	}{
		"a thousand products": {limits.Course{Gateway: true}, map[limits.Operation]float64{
			limits.HTTPRequest: 2, limits.RedisSlot: 1, limits.KafkaProduce: 7, limits.KafkaConsume: 15,
			limits.InsertOrder: 1, limits.UpdateOrder: 4, limits.InsertRow: 5.32, limits.UpdateRow: 2.264, limits.UpsertRow: 1,
		}},
		"one product, no gateway": {limits.Course{Hot: true}, map[limits.Operation]float64{
			limits.HTTPRequest: 1, limits.InsertRow: 4.058, limits.UpdateRow: 1.002,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			counts := limits.Counts(c.course)
			for op, want := range c.want {
				if got := counts[op]; got < want-1e-9 || got > want+1e-9 {
					t.Errorf("%s: %g, want %g", op, got, want)
				}
			}
		})
	}
}

func TestEveryNeedSaysWhere(t *testing.T) {
	for _, n := range limits.Needs(limits.Course{}) {
		if n.Why == "" || n.Count < 0 {
			t.Errorf("%+v", n)
		}
	}
}

func TestWhatCannotBeMeasured(t *testing.T) {
	for name, d := range map[string]time.Duration{"too short": time.Millisecond, "too long": time.Hour, "negative": -1} {
		t.Run(name, func(t *testing.T) {
			if _, err := limits.Run(t.Context(), limits.Config{Duration: d}, limits.Stack{}); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestAnEngineThatCannotBeSeenIsNamed(t *testing.T) {
	s := stack(t)
	s.Processes = slices.DeleteFunc(s.Processes, func(p cputime.Process) bool { return p.Name == limits.Host })
	_, err := limits.Run(t.Context(), quick(), s)
	if err == nil || !strings.Contains(err.Error(), "redis") {
		t.Errorf("error %v", err)
	}
}
