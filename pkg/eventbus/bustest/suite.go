package bustest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/eventbus"
)

// patience is how long the suite waits for what must happen: more than a
// session timeout of a real broker.
const patience = 30 * time.Second

// Suite is the contract of eventbus's two ports. open returns a bus on which
// the topics exist with at least two partitions.
func Suite(t *testing.T, open func(t testing.TB, topics ...string) Bus) {
	for name, test := range map[string]func(*testing.T, *bench){
		"keeps the order of a partition":                  keepsOrder,
		"carries value, schema and replay marker":         carriesRecord,
		"publishes to the partition the record names":     publishesToPartition,
		"reports publish errors per record":               reportsErrorsPerRecord,
		"starts a new group at the oldest record":         startsAtOldest,
		"delivers again what was not committed":           redeliversUncommitted,
		"goes on after what was committed":                goesOnAfterCommit,
		"hands out again a partition whose claim failed":  handsOutFailedClaim,
		"shares partitions when a second member joins":    sharesOnJoin,
		"never lowers a commit":                           neverLowersCommit,
		"refuses a commit on a claim that ended":          refusesLateCommit,
		"lets a claim commit while its context has ended": commitsOnTheWayOut,
		"tells the log's end":                             tellsLogEnd,
		"closes records when the consumer stops":          closesRecords,
	} {
		t.Run(name, func(t *testing.T) {
			topic := Name(t, "topic")
			test(t, &bench{bus: open(t, topic), topic: topic, group: Name(t, "group")})
		})
	}
}

// bench is one test's bus with a topic and a group of its own.
type bench struct {
	bus   Bus
	topic string
	group string
}

func (b *bench) records(partition int32, values ...string) []eventbus.Record {
	var records []eventbus.Record
	for _, v := range values {
		records = append(records, eventbus.Record{Topic: b.topic, Partition: partition, Value: []byte(v)})
	}
	return records
}

func (b *bench) publish(t *testing.T, partition int32, values ...string) {
	t.Helper()
	if errs := b.bus.Publish(t.Context(), b.records(partition, values...)); errs != nil {
		t.Fatalf("Publish() = %v", errs)
	}
}

// consume runs a member until the returned stop is called, or the test ends.
func (b *bench) consume(t *testing.T, claim func(ctx context.Context, c eventbus.Claim) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var member sync.WaitGroup
	member.Go(func() {
		if err := b.bus.Consume(ctx, b.group, []string{b.topic}, claim); err != nil {
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

// collect runs a member that sends every record on, and commits each when
// commit is set.
func (b *bench) collect(t *testing.T, commit bool) (records <-chan eventbus.Record, stop func()) {
	t.Helper()
	out := make(chan eventbus.Record, 1000)
	return out, b.consume(t, func(_ context.Context, c eventbus.Claim) error {
		for r := range c.Records() {
			out <- r
			if commit {
				if err := c.Commit(r.Offset + 1); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (b *bench) committed(t *testing.T, partition int32) int64 {
	t.Helper()
	offsets, err := b.bus.Committed(t.Context(), b.group, b.topic)
	if err != nil {
		t.Fatalf("Committed() = %v", err)
	}
	return offsets[b.topic][partition]
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing received in time")
		panic("unreachable")
	}
}

func receiveValues(t *testing.T, n int, from <-chan eventbus.Record) []string {
	t.Helper()
	values := make([]string, n)
	for i := range values {
		values[i] = string(receive(t, from).Value)
	}
	return values
}

func wantValues(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got records %q, want %q", got, want)
	}
}

func numbers(n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = strconv.Itoa(i)
	}
	return values
}

// eventually waits until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}

func wantEqual[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s = %v, want %v", what, got, want)
	}
	return nil
}
