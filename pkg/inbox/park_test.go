package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
)

var errPoison = errors.New("cannot be applied")

// poisoned is count, but for the events with a payload.
func poisoned(ctx context.Context, tx *database.Tx, e eventbus.Event) error {
	switch string(e.Payload) {
	case "":
		return count(ctx, tx, e)
	case "panic":
		panic("handler broke")
	case "marked":
		return inbox.Permanent(fmt.Errorf("%w: %w", errPoison, database.ErrCommitUnknown))
	default:
		return errPoison
	}
}

func poison(id, key, how string) eventbus.Event {
	e := event(id, key)
	e.Payload = []byte(how)
	return e
}

func TestPoisonParksItsKeyAndNothingElse(t *testing.T) {
	everywhere(t, func(b *bench) {
		const n, bad = 500, 250
		var events []eventbus.Event
		for i := range n {
			if i == bad {
				events = append(events, event("before", "bad"), poison("poison", "bad", "error"), event("after", "bad"))
			}
			events = append(events, event(fmt.Sprintf("%d-1", i), fmt.Sprint(i)))
		}
		b.publish(b.pack(0, events...))
		var commits atomic.Int32
		b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
			tx.OnCommit(func() { commits.Add(1) })
			return inbox.Each(poisoned)(ctx, tx, events)
		})
		b.awaitEnd()
		b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), n+1)
		b.wantEqual("commits", commits.Load(), 1)
		b.wantEqual("parked keys", b.parkedKeys(), []string{"bad"})
		b.wantEqual("waiting", b.waiting("bad"), []string{"poison", "after"})
		b.wantEqual("counted as parked", b.counted(typeAdded, "parked"), 2)
	})
}

func TestKindsOfPoison(t *testing.T) {
	for how, class := range map[string]string{"error": "poison", "marked": "poison", "panic": "panic"} {
		t.Run(how, func(t *testing.T) {
			b := newBench(t, onMemory)
			b.publish(b.pack(0, event("1", "good"), poison("2", "bad", how), event("3", "good")))
			b.run(inbox.Each(poisoned))
			b.awaitEnd()
			b.wantEqual("waiting", b.waiting("bad"), []string{"2"})
			b.wantEqual("classes", b.strings("SELECT error_class FROM dead_letter"), []string{class})
			b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 2)
		})
	}
}

func TestLaterEventsOfAParkedKeyWaitInOrder(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.run(inbox.Each(poisoned))
		b.publish(b.pack(0, poison("1", "bad", "error"), event("2", "bad")))
		b.awaitEnd()
		for i := range 10 {
			b.publish(b.pack(0, event(fmt.Sprintf("ok-%d", i), "good"), event(fmt.Sprint(3+i), "bad")))
		}
		b.awaitEnd()
		b.wantEqual("waiting", b.waiting("bad"), []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"})
		b.wantEqual("effects of the good key", b.number("SELECT n FROM total WHERE k = 'good'"), 10)
		b.wantEqual("effects of the bad key", b.number("SELECT COUNT(*) FROM effect WHERE k = 'bad'"), 0)
	})
}

func TestManyPoisonsAreFoundTogether(t *testing.T) {
	b := newBench(t, onMemory)
	const n = 300
	var events []eventbus.Event
	for i := range n {
		e := event(fmt.Sprintf("%d-1", i), fmt.Sprint(i))
		if i%3 == 0 {
			e = poison(e.ID, e.Subject, "error")
		}
		events = append(events, e)
	}
	b.publish(b.pack(0, events...))
	var handed atomic.Int32
	b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		handed.Add(int32(len(events)))
		return inbox.Each(poisoned)(ctx, tx, events)
	})
	b.awaitEnd()
	b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), n*2/3)
	b.wantEqual("parked keys", len(b.parkedKeys()), n/3)
	if most := int32(20 * n); handed.Load() > most { // n log n, not n²
		t.Errorf("the search handed %d events to the handler, want at most %d", handed.Load(), most)
	}
}

// Some faults need two events: each key alone is fine.
func TestKeysThatFailOnlyTogether(t *testing.T) {
	b := newBench(t, onMemory)
	b.publish(b.pack(0, event("1", "a"), event("2", "b"), event("3", "c"), event("4", "d")))
	b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		keys := map[string]bool{}
		for _, e := range events {
			keys[e.Subject] = true
		}
		if keys["a"] && keys["d"] {
			return errPoison
		}
		return inbox.Each(count)(ctx, tx, events)
	})
	b.awaitEnd()
	b.wantEqual("parked keys", b.parkedKeys(), []string{"d"})
	b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 3)
}

// Parts of a batch are tried and taken back; nothing of a trial may remain.
func TestTrialsLeaveNothing(t *testing.T) {
	b := newBench(t, onMemory)
	b.publish(b.pack(0, event("1", "a"), poison("2", "b", "error"), event("3", "c")))
	var hooks atomic.Int32
	b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		tx.OnCommit(func() { hooks.Add(1) })
		rows := [][]any{{fmt.Sprintf("run of %d", len(events)), 1}}
		if err := tx.Insert(ctx, "total", []string{"k", "n"}, rows); err != nil {
			return err
		}
		for _, e := range events {
			if len(e.Payload) > 0 {
				return errPoison
			}
		}
		return nil
	})
	b.awaitEnd()
	b.wantEqual("rows written by runs", b.strings("SELECT k FROM total"), []string{"run of 2"})
	b.wantEqual("commits", hooks.Load(), 1)
}

func TestParkedEventKeepsAllOfItself(t *testing.T) {
	b := newBench(t, onMemory)
	e := poison("1-1", "k", "payload")
	e.Nudge, e.TraceParent = true, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	record := b.pack(2, event("0-1", "other"), e)
	b.publish(record)
	b.run(inbox.Each(poisoned))
	b.awaitEnd()

	var payload []byte
	var class, text, source, eventType string
	var part, offset, pos, attempts, due int64
	err := b.db.QueryRow(t.Context(), `SELECT payload, error_class, error, event_source, event_type, part, log_offset, pos, attempts, next_attempt_at
		FROM dead_letter WHERE event_id = '1-1'`).Scan(&payload, &class, &text, &source, &eventType, &part, &offset, &pos, &attempts, &due)
	if err != nil {
		t.Fatal(err)
	}
	got, err := eventbus.Decode(payload)
	if err != nil || len(got) != 1 {
		t.Fatalf("Decode() = %v, %v", got, err)
	}
	want, _ := record.Events()
	b.wantEqual("event", got[0], want[1])
	b.wantEqual("class and source", class+" "+source+" "+eventType, "poison test "+typeAdded)
	b.wantEqual("place", []int64{part, offset, pos, attempts}, []int64{2, 0, 1, 1})
	if due == 0 || text == "" {
		t.Errorf("next attempt at %d, error %q", due, text)
	}
}

func TestUnknownVersionParksItsKey(t *testing.T) {
	everywhere(t, func(b *bench) {
		newer := event("1-1", "k")
		newer.Type = "thing.added.v2"
		b.publish(b.pack(0, newer, event("1-2", "k"), event("2-1", "other")))
		b.run(inbox.Each(count))
		b.awaitEnd()
		b.wantEqual("parked keys", b.parkedKeys(), []string{"k"})
		b.wantEqual("waiting", b.waiting("k"), []string{"1-1", "1-2"})
		b.wantEqual("classes", b.strings("SELECT error_class FROM dead_letter ORDER BY pos"), []string{"unknown_version", "behind"})
		b.wantEqual("effects", b.strings("SELECT event_id FROM effect"), []string{"2-1"})
	})
}

func TestUnknownTypeIsIgnored(t *testing.T) {
	everywhere(t, func(b *bench) {
		other := event("1-1", "k")
		other.Type = "somebody.else.v1"
		b.publish(b.pack(0, other, event("1-2", "k")))
		b.run(inbox.Each(count))
		b.awaitEnd()
		b.wantEqual("effects", b.strings("SELECT event_id FROM effect"), []string{"1-2"})
		b.wantEqual("dead letters", b.number("SELECT COUNT(*) FROM dead_letter"), 0)
		b.wantEqual("counted as ignored", b.counted("other", "ignored"), 1)
	})
}

func TestUndecodableRecordIsKeptWhole(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.publish(
			b.pack(0, event("1-1", "k")),
			eventbus.Record{Topic: b.topic, Partition: 0, Value: []byte("noise")},
			eventbus.Record{Topic: b.topic, Partition: 0},
			b.pack(0, event("1-2", "k")),
		)
		b.run(inbox.Each(count))
		b.awaitEnd()
		b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 2)
		b.wantEqual("payloads", b.strings("SELECT payload FROM dead_letter WHERE status = 'DEAD' AND error_class = 'undecodable' ORDER BY log_offset"),
			[]string{"noise", ""})
		b.wantEqual("parked keys", b.parkedKeys(), []string{})
	})
}

func TestRedeliveredPoisonStaysAsItIs(t *testing.T) {
	b := newBench(t, onMemory)
	b.publish(b.pack(0, poison("1", "bad", "error"), event("2", "bad")))
	lossy := losesCommits{b.bus}
	stop := b.runOn(lossy, inbox.Each(poisoned))
	b.eventually(func() error { return equal("progress", b.progress(0), 1) })
	stop()
	b.run(inbox.Each(poisoned))
	b.awaitEnd()
	b.wantEqual("waiting", b.waiting("bad"), []string{"1", "2"})
	b.wantEqual("classes", b.strings("SELECT error_class FROM dead_letter ORDER BY pos"), []string{"poison", "behind"})
}
