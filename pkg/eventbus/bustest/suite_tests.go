package bustest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"souk.example/pkg/eventbus"
)

func keepsOrder(t *testing.T, b *bench) {
	want := numbers(500)
	for i := 0; i < len(want); i += 50 {
		b.publish(t, 0, want[i:i+50]...)
	}
	got, _ := b.collect(t, true)
	wantValues(t, receiveValues(t, len(want), got), want...)
}

func carriesRecord(t *testing.T, b *bench) {
	sent := eventbus.Record{Topic: b.topic, Partition: 1, Value: []byte{0, 1, 255}, Replay: "group"}
	if errs := b.bus.Publish(t.Context(), []eventbus.Record{sent}); errs != nil {
		t.Fatalf("Publish() = %v", errs)
	}
	records, _ := b.collect(t, true)
	got := receive(t, records)
	if got.Topic != sent.Topic || got.Partition != 1 || got.Offset != 0 || string(got.Value) != string(sent.Value) {
		t.Errorf("got %+v, sent %+v", got, sent)
	}
	if got.Replay != sent.Replay || got.Schema != eventbus.SchemaVersion {
		t.Errorf("got replay %q, schema %q", got.Replay, got.Schema)
	}
}

func publishesToPartition(t *testing.T, b *bench) {
	b.publish(t, 0, "a")
	b.publish(t, 1, "b")
	records, _ := b.collect(t, true)
	for range 2 {
		r := receive(t, records)
		if want := map[int32]string{0: "a", 1: "b"}[r.Partition]; string(r.Value) != want {
			t.Errorf("partition %d holds %q, want %q", r.Partition, r.Value, want)
		}
	}
}

func reportsErrorsPerRecord(t *testing.T, b *bench) {
	records := b.records(0, "a", "bad", "b")
	records[1].Partition = 999
	errs := b.bus.Publish(t.Context(), records)
	if len(errs) != 3 || errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Fatalf("Publish() = %v, want an error for the second record alone", errs)
	}
	got, _ := b.collect(t, true)
	wantValues(t, receiveValues(t, 2, got), "a", "b")
}

func startsAtOldest(t *testing.T, b *bench) {
	b.publish(t, 0, "before")
	got, _ := b.collect(t, true)
	wantValues(t, receiveValues(t, 1, got), "before")
}

func redeliversUncommitted(t *testing.T, b *bench) {
	b.publish(t, 0, "a", "b")
	got, stop := b.collect(t, false)
	wantValues(t, receiveValues(t, 2, got), "a", "b")
	stop()
	again, _ := b.collect(t, false)
	wantValues(t, receiveValues(t, 2, again), "a", "b")
}

func goesOnAfterCommit(t *testing.T, b *bench) {
	b.publish(t, 0, "a", "b", "c")
	done := make(chan int64, 10)
	stop := b.consume(t, func(_ context.Context, c eventbus.Claim) error {
		for r := range c.Records() {
			if string(r.Value) == "b" {
				if err := c.Commit(r.Offset + 1); err != nil {
					t.Errorf("Commit() = %v", err)
				}
				done <- r.Offset
			}
		}
		return nil
	})
	receive(t, done)
	stop()
	got, _ := b.collect(t, true)
	wantValues(t, receiveValues(t, 1, got), "c")
}

func handsOutFailedClaim(t *testing.T, b *bench) {
	b.publish(t, 0, "a")
	var once sync.Once
	got := make(chan eventbus.Record, 10)
	b.consume(t, func(_ context.Context, c eventbus.Claim) (err error) {
		for r := range c.Records() {
			once.Do(func() { err = errors.New("first try fails") })
			if err != nil {
				return err
			}
			got <- r
		}
		return nil
	})
	wantValues(t, receiveValues(t, 1, got), "a")
}

func sharesOnJoin(t *testing.T, b *bench) {
	b.publish(t, 0, "a")
	b.publish(t, 1, "a")
	first, _ := b.collect(t, true)
	receiveValues(t, 2, first)

	var held holdings
	b.consume(t, held.hold)
	eventually(t, func() error {
		if held.count() == 0 {
			return errors.New("the second member was given no partition")
		}
		return nil
	})
	partition := held.any()
	b.publish(t, partition, "b")
	eventually(t, func() error {
		return wantEqual("records at the second member", held.records(), 1)
	})
}

// holdings is a member that notes which partitions it has.
type holdings struct {
	mu         sync.Mutex
	partitions map[int32]bool
	received   int
}

func (h *holdings) hold(_ context.Context, c eventbus.Claim) error {
	h.mu.Lock()
	if h.partitions == nil {
		h.partitions = make(map[int32]bool)
	}
	h.partitions[c.Partition()] = true
	h.mu.Unlock()
	for range c.Records() {
		h.mu.Lock()
		h.received++
		h.mu.Unlock()
	}
	return nil
}

func (h *holdings) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.partitions)
}

func (h *holdings) records() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.received
}

func (h *holdings) any() int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p := range h.partitions {
		return p
	}
	return -1
}

func neverLowersCommit(t *testing.T, b *bench) {
	b.publish(t, 0, "a", "b", "c")
	done := make(chan error, 10)
	b.consume(t, func(_ context.Context, c eventbus.Claim) error {
		for r := range c.Records() {
			if string(r.Value) == "c" {
				done <- errors.Join(c.Commit(3), c.Commit(1))
			}
		}
		return nil
	})
	if err := receive(t, done); err != nil {
		t.Fatalf("Commit() = %v", err)
	}
	eventually(t, func() error { return wantEqual("committed offset", b.committed(t, 0), 3) })
}

func refusesLateCommit(t *testing.T, b *bench) {
	b.publish(t, 0, "a")
	claims := make(chan eventbus.Claim, 10)
	stop := b.consume(t, func(_ context.Context, c eventbus.Claim) error {
		for range c.Records() {
			claims <- c
		}
		return nil
	})
	c := receive(t, claims)
	stop()
	if err := c.Commit(1); !errors.Is(err, eventbus.ErrClaimEnded) {
		t.Errorf("Commit() after the claim = %v, want ErrClaimEnded", err)
	}
	if got := b.committed(t, 0); got != 0 {
		t.Errorf("committed offset = %d after a refused commit", got)
	}
}

func commitsOnTheWayOut(t *testing.T, b *bench) {
	b.publish(t, 0, "a")
	seen := make(chan struct{}, 10)
	stop := b.consume(t, func(ctx context.Context, c eventbus.Claim) error {
		for r := range c.Records() {
			seen <- struct{}{}
			<-ctx.Done()
			if err := c.Commit(r.Offset + 1); err != nil {
				t.Errorf("Commit() = %v", err)
			}
		}
		return nil
	})
	receive(t, seen)
	stop()
	if got := b.committed(t, 0); got != 1 {
		t.Errorf("committed offset = %d, want 1", got)
	}
}

func tellsLogEnd(t *testing.T, b *bench) {
	b.publish(t, 0, "a", "b", "c")
	type view struct{ initial, end int64 }
	views := make(chan view, 10)
	b.consume(t, func(_ context.Context, c eventbus.Claim) error {
		for r := range c.Records() {
			if string(r.Value) == "a" {
				views <- view{c.InitialOffset(), c.LogEnd()}
			}
		}
		return nil
	})
	if got := receive(t, views); got != (view{0, 3}) {
		t.Errorf("claim sees %+v, want initial offset 0 and end 3", got)
	}
	ends, err := b.bus.LogEnd(t.Context(), b.topic)
	if err != nil || ends[0] != 3 || ends[1] != 0 {
		t.Errorf("LogEnd() = %v, %v, want 3 in partition 0 and 0 in partition 1", ends, err)
	}
}

func closesRecords(t *testing.T, b *bench) {
	b.publish(t, 0, "a")
	got := make(chan eventbus.Record, 10)
	stop := b.consume(t, func(_ context.Context, c eventbus.Claim) error {
		for r := range c.Records() { // its end is the only way out
			got <- r
		}
		return nil
	})
	receive(t, got)
	stop()
}
