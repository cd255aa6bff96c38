package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/outbox"
	"souk.example/pkg/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	topic      = "souk.test.v1"
	partitions = 4
	patience   = 20 * time.Second
)

// counter issues 1, 2, 3 …
type counter struct{ last atomic.Int64 }

func (c *counter) Next() (int64, error) { return c.last.Add(1), nil }

// byNumber sends subject "7" to partition 7 mod n.
func byNumber(key string, n int32) int32 {
	k, _ := strconv.Atoi(key)
	return int32(k % int(n))
}

// shop is one database with a broker.
type shop struct {
	t      testing.TB
	dsn    config.Secret
	db     *database.DB
	ids    *counter
	broker *broker
}

func newShop(t testing.TB) *shop {
	s := &shop{t: t, dsn: databasetest.DSN(t), ids: &counter{}, broker: newBroker()}
	s.db = s.open()
	if err := s.db.Migrate(t.Context(), outbox.Migrations()); err != nil {
		t.Fatal(err)
	}
	return s
}

// open is what another process would do.
func (s *shop) open() *database.DB {
	s.t.Helper()
	db, err := database.Open(s.t.Context(), database.Config{DSN: s.dsn})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (s *shop) config() outbox.Config {
	batch, _ := strconv.Atoi(os.Getenv("SOUK_BATCH_MAX"))
	return outbox.Config{
		Source: "test", Topics: []string{topic}, Partitions: partitions, Partition: byNumber,
		BatchMax: batch,
	}
}

// shortLease is for tests that wait for a lease to run out. On a busy machine
// it may also do so by itself.
func shortLease(c *outbox.Config) { c.LeaseTTL = 600 * time.Millisecond }

// process is one outbox, as a process of its own has it.
type process struct {
	*outbox.Outbox
	db        *database.DB
	telemetry *telemetry.Telemetry
	stop      func() // cleanly; may be called twice
}

// process makes an outbox that does not run.
func (s *shop) process(change func(*outbox.Config)) *process {
	cfg := s.config()
	if change != nil {
		change(&cfg)
	}
	p := &process{db: s.open(), telemetry: telemetry.Nop()}
	p.Outbox = outbox.New(p.db, s.ids, s.broker, cfg, p.telemetry)
	return p
}

// run makes an outbox that relays until it is stopped, or the test ends.
func (s *shop) run(change func(*outbox.Config)) *process {
	p := s.process(change)
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run() = %v", err)
		}
	})
	s.t.Cleanup(p.stop)
	return p
}

// emit commits events of one subject, in one transaction.
func (s *shop) emit(p *process, subject int, ids ...string) {
	s.t.Helper()
	err := p.db.InTx(s.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return p.Append(ctx, tx, topic, events(subject, ids...)...)
	})
	if err != nil {
		s.t.Fatalf("append: %v", err)
	}
}

// emitToAll commits the events to every partition, in one transaction.
func (s *shop) emitToAll(p *process, ids ...string) {
	s.t.Helper()
	var all []eventbus.Event
	for part := range partitions {
		all = append(all, events(part, ids...)...)
	}
	err := p.db.InTx(s.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return p.Append(ctx, tx, topic, all...)
	})
	if err != nil {
		s.t.Fatalf("append: %v", err)
	}
}

func events(subject int, ids ...string) []eventbus.Event {
	out := make([]eventbus.Event, len(ids))
	for i, id := range ids {
		out[i] = eventbus.Event{ID: id, Type: "test.happened.v1", Subject: strconv.Itoa(subject)}
	}
	return out
}

func names(prefix string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s%04d", prefix, i)
	}
	return ids
}

// pending is the number of pointers.
func (s *shop) pending() int { return s.count("SELECT COUNT(*) FROM outbox") }

func (s *shop) count(query string, args ...any) (n int) {
	s.t.Helper()
	if err := s.db.QueryRow(s.t.Context(), query, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *shop) exec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.db.Exec(s.t.Context(), query, args...); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for a condition.
func (s *shop) until(what string, holds func() bool) {
	s.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			s.t.Fatalf("waited %s for: %s", patience, what)
		case <-tick.C:
		}
	}
}

func (s *shop) untilDrained() {
	s.t.Helper()
	s.until("the outbox is empty", func() bool { return s.pending() == 0 })
}

var errBroker = errors.New("broker says no")

// broker keeps what is published. The answer to a record decides whether it is
// kept and what the publisher is told.
type broker struct {
	mu       sync.Mutex
	got      map[int32][]eventbus.Event
	decision func(eventbus.Record) answer
	arrived  chan<- struct{} // told of each record, when not nil
}

type answer struct {
	lost bool  // the broker does not keep the record
	err  error // what it says
}

func newBroker() *broker {
	b := &broker{got: make(map[int32][]eventbus.Event)}
	b.answers(func(eventbus.Record) answer { return answer{} })
	return b
}

func (b *broker) answers(decide func(eventbus.Record) answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.decision = decide
}

func (b *broker) announce(arrived chan<- struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrived = arrived
}

func (b *broker) Publish(ctx context.Context, records []eventbus.Record) []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	errs := make([]error, len(records))
	for i, r := range records {
		a := b.decision(r)
		errs[i] = a.err
		if a.lost {
			continue
		}
		events, err := r.Events()
		errs[i] = errors.Join(errs[i], err, ctx.Err())
		b.got[r.Partition] = append(b.got[r.Partition], events...)
		if b.arrived != nil {
			b.arrived <- struct{}{}
		}
	}
	if errors.Join(errs...) == nil {
		return nil
	}
	return errs
}

// ids lists the ids of the events of a partition, as they arrived.
func (b *broker) ids(part int32) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make([]string, len(b.got[part]))
	for i, e := range b.got[part] {
		ids[i] = e.ID
	}
	return ids
}

func (b *broker) total() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, events := range b.got {
		n += len(events)
	}
	return n
}

func (b *broker) has(part int32, id string) bool { return slices.Contains(b.ids(part), id) }

// metric is the sum of one metric over its labels.
func metric(t testing.TB, tel *telemetry.Telemetry, name string) (sum float64) {
	t.Helper()
	families, err := tel.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

func (p *process) owned(t testing.TB) int {
	return int(metric(t, p.telemetry, "souk_outbox_owned_partitions"))
}
