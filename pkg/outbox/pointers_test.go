package outbox_test

import (
	"slices"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/outbox"
)

// Partitions share a DELETE; what is refused about one of them is its own trouble.
// Nobody's events come again for it, not even its own.
func TestAPointerThatCannotBeDeletedSpoilsNoOtherPartition(t *testing.T) {
	s := newShop(t)
	if s.db.Dialect() != database.SQLite {
		t.Skip("the trigger is written in SQLite's words; what shares a statement is the same on all")
	}
	s.exec("CREATE TRIGGER held BEFORE DELETE ON outbox WHEN OLD.part = 0 BEGIN SELECT RAISE(ABORT, 'held'); END")
	p := s.run(nil)
	want := names("e", 200)
	for i, id := range want {
		s.emitToAll(p, id)
		if i%40 == 39 { // so that the relay shares many statements
			s.until("the others are drained", func() bool { return s.count("SELECT COUNT(*) FROM outbox WHERE part <> 0") == 0 })
		}
	}
	s.until("partition 0 is published", func() bool { return len(s.broker.ids(0)) >= len(want) })
	for part := range int32(partitions) {
		if got := s.broker.ids(part); !slices.Equal(got, want) {
			t.Errorf("partition %d got %d events, want %d, each once", part, len(got), len(want))
		}
	}
}

// Pointers that cannot be deleted must not pile up: their partition fails, for
// everybody to see, until they can.
func TestTooManyPointersThatCannotBeDeleted(t *testing.T) {
	s := newShop(t)
	if s.db.Dialect() != database.SQLite {
		t.Skip("the trigger is written in SQLite's words; what is kept in memory is the same on all")
	}
	s.exec("CREATE TRIGGER held BEFORE DELETE ON outbox BEGIN SELECT RAISE(ABORT, 'held'); END")
	const packs = 400
	cli := s.process(func(c *outbox.Config) { c.BatchMax = 1 })
	s.emit(cli, 0, names("e", packs)...)
	p := s.run(nil)
	s.until("deleting has failed and failed", func() bool { return metric(t, p.telemetry, "souk_outbox_failures_total") > 4 })
	if got := len(s.broker.ids(0)); got == 0 || got == packs {
		t.Errorf("%d of %d packs were published", got, packs)
	}
	s.exec("DROP TRIGGER held")
	s.untilDrained()
	if got := s.broker.ids(0); !slices.Equal(got, names("e", packs)) {
		t.Errorf("got %d events, want %d, each once", len(got), packs)
	}
}
