package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
)

func TestEffectsHappenExactlyOnce(t *testing.T) {
	everywhere(t, func(b *bench) {
		const keys, perKey = 40, 5
		var records []eventbus.Record
		for k := range keys {
			for n := range perKey {
				e := event(fmt.Sprintf("%d-%d", k, n), fmt.Sprint(k))
				for range 1 + rand.N(5) {
					records = append(records, b.pack(int32(k%4), e))
				}
			}
		}
		rand.Shuffle(len(records), func(x, y int) { records[x], records[y] = records[y], records[x] })
		b.publish(records...)
		b.run(inbox.Each(count))
		b.awaitEnd()
		b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), keys*perKey)
		b.wantEqual("sum of totals", b.number("SELECT SUM(n) FROM total"), keys*perKey)
		b.wantEqual("keys with another total", b.strings("SELECT k FROM total WHERE n <> ?", perKey), []string{})
	})
}

func TestEventsOfAPackAndOfAKeyKeepTheirOrder(t *testing.T) {
	everywhere(t, func(b *bench) {
		for n := range 20 {
			b.publish(b.pack(1, event(fmt.Sprintf("%02d-a", n), "k"), event(fmt.Sprintf("%02d-b", n), "k")))
		}
		var last string
		b.run(inbox.Each(func(ctx context.Context, tx *database.Tx, e eventbus.Event) error {
			if e.ID <= last {
				b.t.Errorf("%s came after %s", e.ID, last)
			}
			last = e.ID
			return count(ctx, tx, e)
		}))
		b.awaitEnd()
		b.wantEqual("last event", last, "19-b")
	})
}

// A member that dies between SQL's commit and Kafka's gets the records again.
func TestRedeliveryAfterALostOffsetChangesNothing(t *testing.T) {
	everywhere(t, func(b *bench) {
		for n := range 10 {
			b.publish(b.pack(0, event(fmt.Sprintf("%d-1", n), "k")))
		}
		lossy := losesCommits{b.bus}
		stop := b.runOn(lossy, inbox.Each(count))
		b.eventually(func() error { return equal("progress", b.progress(0), 10) })
		stop()
		b.run(inbox.Each(count))
		b.awaitEnd()
		b.wantEqual("total", b.number("SELECT n FROM total WHERE k = 'k'"), 10)
		b.wantEqual("counted as duplicates", b.counted(typeAdded, "duplicate"), 10)
	})
}

func TestOffsetIsCommittedAfterSQL(t *testing.T) {
	everywhere(t, func(b *bench) {
		for n := range 20 {
			b.publish(b.pack(0, event(fmt.Sprintf("%d-1", n), "k")))
		}
		var late atomic.Int32
		watched := watchesCommits{b.bus, func(partition int32, next int64) {
			if b.progress(partition) < next {
				late.Add(1)
			}
		}}
		b.runOn(watched, inbox.Each(count))
		b.awaitEnd()
		b.wantEqual("offsets committed before SQL", late.Load(), 0)
	})
}

func TestTransientErrorsRunTheBatchAgain(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.publish(b.pack(0, event("1-1", "a"), event("2-1", "b")))
		var runs atomic.Int32
		b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
			if err := inbox.Each(count)(ctx, tx, events); err != nil {
				return err
			}
			if runs.Add(1) < 4 {
				return fmt.Errorf("lost the database: %w", database.ErrCommitUnknown)
			}
			return nil
		})
		b.awaitEnd()
		b.wantEqual("runs", runs.Load(), 4)
		b.wantEqual("totals", b.strings("SELECT n FROM total ORDER BY k"), []string{"1", "1"})
		b.wantEqual("parked keys", b.parkedKeys(), []string{})
	})
}

func TestDeadlineIsTransient(t *testing.T) {
	b := newBench(t, onMemory)
	b.cfg.Timeout = 20 * time.Millisecond
	b.publish(b.pack(0, event("1-1", "a")))
	var runs atomic.Int32
	b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		if runs.Add(1) <= 3 {
			<-ctx.Done()
			return errors.New("statement interrupted") // as a driver puts it
		}
		return inbox.Each(count)(ctx, tx, events)
	})
	b.awaitEnd()
	b.wantEqual("parked keys", b.parkedKeys(), []string{})
}

func TestDuplicateIsARaceAtFirst(t *testing.T) {
	b := newBench(t, onMemory)
	b.publish(b.pack(0, event("1-1", "a")))
	var runs atomic.Int32
	b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		if runs.Add(1) <= 3 {
			return fmt.Errorf("insert: %w", database.ErrDuplicate)
		}
		return inbox.Each(count)(ctx, tx, events)
	})
	b.awaitEnd()
	b.wantEqual("parked keys", b.parkedKeys(), []string{})
	b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 1)
}

func TestLastingDuplicateIsPoison(t *testing.T) {
	b := newBench(t, onMemory)
	b.publish(b.pack(0, event("1-1", "a"), event("2-1", "b"), event("3-1", "c")))
	b.run(inbox.Each(func(ctx context.Context, tx *database.Tx, e eventbus.Event) error {
		if e.Subject == "b" {
			return database.ErrDuplicate
		}
		return count(ctx, tx, e)
	}))
	b.awaitEnd()
	b.wantEqual("parked keys", b.parkedKeys(), []string{"b"})
	b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 2)
}

func TestLoneRecordDoesNotWait(t *testing.T) {
	b := newBench(t, onMemory)
	b.cfg.Linger = time.Hour
	b.run(inbox.Each(count))
	for n := range 5 {
		b.publish(b.pack(int32(n%4), event(fmt.Sprintf("%d-1", n), "k")))
		b.awaitEnd()
	}
}

func TestBatchWaitsForWhatIsKnownToCome(t *testing.T) {
	b := newBench(t, onMemory)
	b.cfg.Linger = time.Hour
	script := b.script(0, 100, b.things(100)...)
	script.slow = true
	sizes := make(chan int, 100)
	b.runOn(script, func(_ context.Context, _ *database.Tx, events []eventbus.Event) error {
		sizes <- len(events)
		return nil
	})
	b.wantEqual("size of the first batch", <-sizes, 100)
}

// After 30,000 events the next batch may take half a minute to fill.
func TestBatchesAreSpacedUnderLoad(t *testing.T) {
	b := newBench(t, onMemory)
	b.cfg.BatchMax, b.cfg.Cadence, b.cfg.Linger = 100, time.Hour, time.Nanosecond
	sizes := make(chan int, 100)
	b.run(func(_ context.Context, _ *database.Tx, events []eventbus.Event) error {
		sizes <- len(events)
		return nil
	})
	b.publish(b.pack(0, b.things(30_000)...))
	b.wantEqual("size of the first batch", <-sizes, 30_000)
	b.awaitEnd() // the next to come finds nobody at work
	for n := range 100 {
		b.publish(b.pack(int32(n%4), event(fmt.Sprintf("%d-2", n), "k")))
		for range 10 {
			b.number("SELECT COUNT(*) FROM effect") // time in which it could be applied
		}
	}
	b.wantEqual("size of the second batch", <-sizes, 100)
}

func TestRecordsThatAreWaitingShareATransaction(t *testing.T) {
	b := newBench(t, onKafka)
	b.cfg.BatchMax = 500
	b.cfg.Linger = time.Second
	const n = 2000
	var records []eventbus.Record
	for i := range n {
		records = append(records, b.pack(int32(i%4), event(fmt.Sprintf("%d-1", i), fmt.Sprint(i))))
	}
	b.publish(records...)
	var transactions atomic.Int32
	b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		tx.OnCommit(func() { transactions.Add(1) })
		return inbox.Each(count)(ctx, tx, events)
	})
	b.awaitEnd()
	if got := transactions.Load(); got > 3*n/500 {
		t.Errorf("%d events took %d transactions of at most 500", n, got)
	}
}

func TestStopFinishesTheBatchInHand(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.publish(b.pack(0, event("1-1", "a")))
		entered, leave, ending := make(chan struct{}), make(chan struct{}), make(chan struct{})
		bus := tellsEnd{b.bus, sync.OnceFunc(func() { close(ending) })}
		stop := b.runOn(bus, func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
			close(entered)
			<-leave
			return inbox.Each(count)(ctx, tx, events)
		})
		<-entered
		stopped := make(chan struct{})
		go func() {
			stop()
			close(stopped)
		}()
		<-ending
		close(leave)
		<-stopped
		b.awaitEnd()
		b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 1)
	})
}

func TestStopLeavesABatchThatCannotBeApplied(t *testing.T) {
	b := newBench(t, onMemory)
	b.publish(b.pack(0, event("1-1", "a")))
	tried := make(chan struct{}, 100)
	stop := b.run(func(context.Context, *database.Tx, []eventbus.Event) error {
		tried <- struct{}{}
		return database.ErrCommitUnknown
	})
	<-tried
	stop()
	b.wantEqual("progress", b.progress(0), 0)
	b.run(inbox.Each(count))
	b.awaitEnd()
}

func TestTwoMembersShareTheWork(t *testing.T) {
	everywhere(t, func(b *bench) {
		const n = 200
		stopFirst := b.run(inbox.Each(count))
		b.run(inbox.Each(count))
		for i := range n {
			b.publish(b.pack(int32(i%4), event(fmt.Sprintf("%d-1", i), fmt.Sprint(i))))
			if i == n/2 {
				stopFirst()
			}
		}
		b.awaitEnd()
		b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), n)
		b.wantEqual("sum of totals", b.number("SELECT SUM(n) FROM total"), n)
		b.wantEqual("losses", b.metric("souk_inbox_loss_total", nil), 0)
	})
}

func TestReplayedRecordsAreForOneGroup(t *testing.T) {
	b := newBench(t, onMemory)
	for n, group := range []string{"", b.cfg.Group, "another"} {
		r := b.pack(0, event(fmt.Sprintf("%d-1", n), "a"))
		r.Replay = group
		b.publish(r, eventbus.Record{Topic: b.topic, Partition: 1, Value: []byte("noise"), Replay: group})
	}
	b.run(inbox.Each(count))
	b.awaitEnd()
	b.wantEqual("applied", b.strings("SELECT event_id FROM effect ORDER BY event_id"), []string{"0-1", "1-1"})
	b.wantEqual("undecodable", b.number("SELECT COUNT(*) FROM dead_letter"), 2)
	b.wantEqual("ignored", b.counted("other", "ignored"), 1)
}

func TestRepeatedEventInABatchIsHandedOverOnce(t *testing.T) {
	b := newBench(t, onMemory)
	e, nudge := event("1-1", "a"), event("1-1", "a")
	nudge.Nudge = true
	b.publish(b.pack(0, e, e, nudge, e))
	var got []eventbus.Event
	b.run(func(_ context.Context, _ *database.Tx, events []eventbus.Event) error {
		got = events
		return nil
	})
	b.awaitEnd()
	if len(got) != 2 || got[0].Nudge || !got[1].Nudge {
		t.Errorf("the handler got %+v, want the event and its nudge", got)
	}
}

func TestRunRefusesAConfigWithoutGroupOrTopics(t *testing.T) {
	b := newBench(t, onMemory)
	for name, cfg := range map[string]inbox.Config{
		"no group":  {Topics: []string{"t"}},
		"no topics": {Group: "g"},
		"negative":  {Group: "g", Topics: []string{"t"}, BatchMax: -1},
	} {
		t.Run(name, func(t *testing.T) {
			in := inbox.New(b.db, b.bus, &b.ids, cfg, inbox.Each(count), b.tel)
			if err := in.Run(t.Context()); err == nil {
				t.Error("Run() = nil")
			}
		})
	}
}
