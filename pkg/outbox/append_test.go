package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/outbox"
	"souk.example/pkg/tracing"
)

// stored reads event_log in the order of ids.
func stored(t *testing.T, s *shop) (packs [][]eventbus.Event) {
	t.Helper()
	rows, err := s.db.Query(t.Context(), "SELECT n, payload FROM event_log ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int
		var payload []byte
		if err := rows.Scan(&n, &payload); err != nil {
			t.Fatal(err)
		}
		events, err := eventbus.Decode(payload)
		if err != nil || len(events) != n {
			t.Fatalf("pack of %d events decodes to %d, %v", n, len(events), err)
		}
		packs = append(packs, events)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return packs
}

func sizes(packs [][]eventbus.Event) []int {
	n := make([]int, len(packs))
	for i, p := range packs {
		n[i] = len(p)
	}
	return n
}

func TestAppendPacksByPartitionAndSize(t *testing.T) {
	for name, test := range map[string]struct {
		batchMax, maxBytes int
		events             []eventbus.Event
		want               []int
	}{
		"one transaction, one pack": {500, 0, events(0, names("e", 7)...), []int{7}},
		"a pack for each partition": {500, 0, slices.Concat(events(0, "a"), events(1, "b"), events(0, "c")), []int{2, 1}},
		"split at BatchMax":         {3, 0, events(0, names("e", 7)...), []int{3, 3, 1}},
		"split at MaxPackBytes":     {500, 400, events(0, names("e", 5)...), []int{3, 2}},
		"one by one":                {1, 0, events(0, names("e", 3)...), []int{1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			p := s.process(func(c *outbox.Config) { c.BatchMax, c.MaxPackBytes = test.batchMax, test.maxBytes })
			err := s.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				return p.Append(ctx, tx, topic, test.events...)
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := sizes(stored(t, s)); !slices.Equal(got, test.want) {
				t.Errorf("packs of %v events, want %v", got, test.want)
			}
			if got := s.pending(); got != len(test.want) {
				t.Errorf("%d pointers, want %d", got, len(test.want))
			}
		})
	}
}

func TestPacksStayBelowMaxPackBytes(t *testing.T) {
	const limit = 2000
	s := newShop(t)
	p := s.process(func(c *outbox.Config) { c.BatchMax, c.MaxPackBytes = 500, limit })
	var all []eventbus.Event
	for i := range 200 {
		e := events(0, fmt.Sprint("e", i))[0]
		e.Payload = make([]byte, i*7%1500)
		all = append(all, e)
	}
	err := s.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return p.Append(ctx, tx, topic, all...)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT COUNT(*) FROM event_log WHERE LENGTH(payload) > ?", limit); n != 0 {
		t.Errorf("%d packs are larger than %d bytes", n, limit)
	}
	if got := slices.Concat(stored(t, s)...); len(got) != len(all) {
		t.Errorf("%d events stored, want %d", len(got), len(all))
	}
}

func TestAppendManyLargePacks(t *testing.T) {
	s := newShop(t)
	p := s.process(func(c *outbox.Config) { c.BatchMax = 1 })
	var all []eventbus.Event
	for i := range 30 {
		e := events(i, fmt.Sprint("e", i))[0]
		e.Payload = slices.Repeat([]byte{0, '\'', 0xff, '\\'}, 100_000)
		all = append(all, e)
	}
	err := s.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return p.Append(ctx, tx, topic, all...)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(stored(t, s)); got != len(all) {
		t.Errorf("%d packs stored, want %d", got, len(all))
	}
}

func TestAppendFillsAttributes(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	s := newShop(t)
	p := s.process(nil)
	given := events(0, "a", "b")
	own := strings.Replace(trace, "4bf9", "aaaa", 1)
	given[1].TraceParent = own
	before := time.Now().Truncate(time.Microsecond)
	err := s.db.InTx(tracing.Extract(t.Context(), trace), func(ctx context.Context, tx *database.Tx) error {
		return p.Append(ctx, tx, topic, given...)
	})
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Concat(stored(t, s)...)
	if got[0].Source != "test" || got[0].Time.Before(before) || got[0].Time.After(time.Now()) {
		t.Errorf("source %q at %s", got[0].Source, got[0].Time)
	}
	if got[0].TraceParent != trace || got[1].TraceParent != own {
		t.Errorf("traces %q and %q", got[0].TraceParent, got[1].TraceParent)
	}
	if given[0].TraceParent != "" {
		t.Error("Append changed the caller's event")
	}
}

func TestAppendRefuses(t *testing.T) {
	s := newShop(t)
	large := events(0, "large")[0]
	large.Payload = make([]byte, 2000)
	outside := func(string, int32) int32 { return partitions }
	for name, test := range map[string]struct {
		change func(*outbox.Config)
		topic  string
		event  eventbus.Event
		want   error
	}{
		"an event above MaxPackBytes": {func(c *outbox.Config) { c.MaxPackBytes = 1000 }, topic, large, outbox.ErrTooLarge},
		"a topic it was not given":    {nil, "souk.other.v1", events(0, "a")[0], nil},
		"a partition there is not":    {func(c *outbox.Config) { c.Partition = outside }, topic, events(0, "a")[0], nil},
		"an event without an id":      {nil, topic, events(0, "")[0], nil},
		"no source":                   {func(c *outbox.Config) { c.Source = "" }, topic, events(0, "a")[0], nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.process(test.change)
			err := s.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				return p.Append(ctx, tx, test.topic, test.event)
			})
			if err == nil || (test.want != nil && !errors.Is(err, test.want)) || database.IsTransient(err) {
				t.Errorf("Append() = %v, want a permanent error %v", err, test.want)
			}
		})
	}
	if s.pending() != 0 {
		t.Error("a refused event left a pointer")
	}
}

func TestAppendTellsWhatTheDatabaseRefuses(t *testing.T) {
	s := newShop(t)
	p := s.process(nil)
	s.emit(p, 0, "first")
	s.ids.last.Store(0) // ids that come again
	err := s.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return p.Append(ctx, tx, topic, events(0, "second")...)
	})
	if !errors.Is(err, database.ErrDuplicate) {
		t.Errorf("Append() = %v, want ErrDuplicate", err)
	}
}

func TestAppendIsUndoneWithItsTransaction(t *testing.T) {
	s := newShop(t)
	p := s.run(nil)
	err := p.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return errors.Join(p.Append(ctx, tx, topic, events(0, "gone")...), errBroker)
	})
	if !errors.Is(err, errBroker) {
		t.Fatal(err)
	}
	s.emit(p, 0, "kept")
	s.untilDrained()
	if got := s.broker.ids(0); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("published %v", got)
	}
	if n := s.count("SELECT COUNT(*) FROM event_log"); n != 1 {
		t.Errorf("%d packs in event_log, want 1", n)
	}
}

func TestConfigRefuses(t *testing.T) {
	for name, cfg := range map[string]outbox.Config{
		"negative batch":  {BatchMax: -1},
		"negative size":   {MaxPackBytes: -1},
		"a fleeing lease": {LeaseTTL: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			if cfg.Validate() == nil {
				t.Error("Validate() = nil")
			}
		})
	}
	if err := (outbox.Config{}).Validate(); err != nil {
		t.Errorf("Validate() of the zero Config = %v", err)
	}
}
