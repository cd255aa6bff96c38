package outbox_test

import (
	"slices"
	"testing"

	"souk.example/pkg/database"
)

// Partitions share a DELETE; what is refused about one of them is its own trouble,
// and nobody else's events come again for it.
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
		if i%10 == 9 { // so that the relay shares many statements
			s.until("the others are drained", func() bool { return s.count("SELECT COUNT(*) FROM outbox WHERE part <> 0") == 0 })
		}
	}
	for part := range int32(partitions) {
		if got := s.broker.ids(part); part != 0 && !slices.Equal(got, want) {
			t.Errorf("partition %d got %d events, want %d, each once", part, len(got), len(want))
		}
	}
}
