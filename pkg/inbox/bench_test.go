package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for what must happen.
const patience = 30 * time.Second

const (
	typeAdded   = "thing.added.v1"
	typeRemoved = "thing.removed.v1"
)

// effects is the schema of the tests' handler: one row per event, in the order
// of application, and a count per key that a second application would spoil.
func effects() database.Migrations {
	const up = `-- +goose Up
CREATE TABLE effect (event_id VARCHAR(255) NOT NULL, k VARCHAR(255) NOT NULL, nth BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (event_id));

CREATE TABLE total (k VARCHAR(255) NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (k));
`
	return database.Migrations{Name: "effects", FS: fstest.MapFS{"0001_effects.sql": {Data: []byte(up)}}}
}

// count is a handler as they should be: its own key decides whether an event
// is new.
func count(ctx context.Context, tx *database.Tx, e eventbus.Event) error {
	inserted, err := tx.InsertIgnore(ctx, "effect", []string{"event_id", "k"}, [][]any{{e.ID, e.Subject}})
	if err != nil || inserted == 0 {
		return err
	}
	return tx.Upsert(ctx, "total", []string{"k"}, []string{"k", "n"}, [][]any{{e.Subject, 1}},
		map[string]string{"n": "old(n)+new(n)"})
}

// number is count, and writes down which of its key's events this is: in SQL,
// because who has committed first may say so last.
func number(ctx context.Context, tx *database.Tx, e eventbus.Event) error {
	if err := count(ctx, tx, e); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE effect SET nth = (SELECT n FROM total WHERE k = ?) WHERE event_id = ? AND nth = 0", e.Subject, e.ID)
	return err
}

// sequence issues ids, but first fails refusals times.
type sequence struct{ last, refusals atomic.Int64 }

func (s *sequence) Next() (int64, error) {
	if s.refusals.Add(-1) >= 0 {
		return 0, idgen.ErrNoLease
	}
	return s.last.Add(1), nil
}

// bench is a database, a bus and a group for one test.
type bench struct {
	t     *testing.T
	db    *database.DB
	bus   bustest.Bus
	topic string
	ids   sequence
	cfg   inbox.Config
	tel   *telemetry.Telemetry
}

func newBench(t *testing.T, open func(t testing.TB, topics ...string) bustest.Bus) *bench {
	topic := bustest.Name(t, "topic")
	group := "group-" + topic[len(topic)-10:]
	return &bench{
		t:     t,
		db:    databasetest.Open(t, inbox.Migrations(), effects()),
		bus:   open(t, topic, inbox.DeadLetterTopic(group)),
		topic: topic,
		tel:   telemetry.Nop(),
		cfg: inbox.Config{
			Group:  group,
			Topics: []string{topic},
			Types:  []string{typeAdded, typeRemoved},
		},
	}
}

func onMemory(testing.TB, ...string) bustest.Bus { return bustest.Memory(bustest.Partitions) }

func onKafka(t testing.TB, topics ...string) bustest.Bus { return bustest.Kafka(t, topics...) }

// everywhere runs a test on both buses, with batches of one record and of many.
func everywhere(t *testing.T, test func(b *bench)) {
	for name, open := range map[string]func(testing.TB, ...string) bustest.Bus{"memory": onMemory, "kafka": onKafka} {
		for _, batchMax := range []int{1, 500} {
			t.Run(fmt.Sprintf("%s, batch max %d", name, batchMax), func(t *testing.T) {
				b := newBench(t, open)
				b.cfg.BatchMax = batchMax
				test(b)
			})
		}
	}
}

// run starts an inbox on the bench's bus; stop ends it and waits.
func (b *bench) run(h inbox.Batch) (stop func()) { return b.runOn(b.bus, h) }

func (b *bench) runOn(bus inbox.Bus, h inbox.Batch) (stop func()) {
	b.t.Helper()
	in := inbox.New(b.db, bus, &b.ids, b.cfg, h, b.tel)
	ctx, cancel := context.WithCancel(b.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := in.Run(ctx); err != nil {
			b.t.Errorf("Run() = %v", err)
		}
	})
	stop = func() {
		cancel()
		running.Wait()
	}
	b.t.Cleanup(stop)
	return stop
}

func event(id, key string) eventbus.Event {
	return eventbus.Event{ID: id, Type: typeAdded, Subject: key}
}

// pack is a record of events for one partition.
func (b *bench) pack(partition int32, events ...eventbus.Event) eventbus.Record {
	b.t.Helper()
	value, err := eventbus.Encode("test", time.Now(), events)
	if err != nil {
		b.t.Fatal(err)
	}
	return eventbus.Record{Topic: b.topic, Partition: partition, Value: value}
}

func (b *bench) publish(records ...eventbus.Record) {
	b.t.Helper()
	if errs := b.bus.Publish(b.t.Context(), records); errs != nil {
		b.t.Fatal(errs)
	}
}

// awaitEnd waits until SQL and the bus both stand at the log's end.
func (b *bench) awaitEnd() {
	b.t.Helper()
	ends, err := b.bus.LogEnd(b.t.Context(), b.topic)
	if err != nil {
		b.t.Fatal(err)
	}
	b.eventually(func() error {
		committed, err := b.bus.Committed(b.t.Context(), b.cfg.Group, b.topic)
		if err != nil {
			return err
		}
		for p, end := range ends {
			if got := b.progress(p); got != end {
				return fmt.Errorf("progress of partition %d = %d, want %d", p, got, end)
			}
			if got := committed[b.topic][p]; got != end {
				return fmt.Errorf("committed offset of partition %d = %d, want %d", p, got, end)
			}
		}
		return nil
	})
}

func (b *bench) eventually(check func() error) {
	b.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Fatal(err)
		}
	}
}

func (b *bench) progress(partition int32) (next int64) {
	b.t.Helper()
	err := b.db.QueryRow(b.t.Context(),
		"SELECT next_offset FROM consumer_progress WHERE grp = ? AND topic = ? AND part = ?",
		b.cfg.Group, b.topic, partition).Scan(&next)
	if err != nil && !errors.Is(err, database.ErrNotFound) {
		b.t.Fatal(err)
	}
	return next
}

func (b *bench) strings(query string, args ...any) (all []string) {
	b.t.Helper()
	rows, err := b.db.Query(b.t.Context(), query, args...)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			b.t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *bench) number(query string, args ...any) (n int64) {
	b.t.Helper()
	if err := b.db.QueryRow(b.t.Context(), query, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// waiting returns the ids of a key's waiting events, in their order.
func (b *bench) waiting(key string) []string {
	b.t.Helper()
	return b.strings(`SELECT event_id FROM dead_letter WHERE grp = ? AND k = ? AND status = 'WAITING'
		ORDER BY topic, part, log_offset, pos`, b.cfg.Group, key)
}

func (b *bench) parkedKeys() []string {
	b.t.Helper()
	return b.strings("SELECT k FROM parked_key WHERE grp = ? ORDER BY k", b.cfg.Group)
}

func (b *bench) wantEqual(what string, got, want any) {
	b.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// events returns the metric's value for a type and a result.
func (b *bench) counted(eventType, result string) float64 {
	b.t.Helper()
	return b.metric("souk_inbox_events_total", map[string]string{"type": eventType, "result": result})
}

func (b *bench) metric(name string, labels map[string]string) (sum float64) {
	b.t.Helper()
	families, err := b.tel.Registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			match := 0
			for _, l := range m.GetLabel() {
				if labels[l.GetName()] == l.GetValue() {
					match++
				}
			}
			if match == len(labels) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}
