package ordertrace_test

import (
	"testing"
	"time"

	"souk.example/cmd/souk/internal/ordertrace"
	"souk.example/contracts"
	"souk.example/contracts/pointsv1"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/services/points/migrations"
)

const order = int64(377_000_000_123) << 22

// The services' clocks differ: an answer may have a lower id than its order.
func TestAnAnswerWithALowerIDThanTheOrderIsFound(t *testing.T) {
	db := databasetest.Open(t, migrations.Set(), outbox.Migrations(), inbox.Migrations())
	e, err := contracts.NewEvent(contracts.PointsAwarded, order, &pointsv1.PointsAwarded{OrderId: order, Points: 1})
	if err != nil {
		t.Fatal(err)
	}
	logPack(t, db, order-30_000<<22, e)
	entries, err := ordertrace.Collect(t.Context(), map[string]*database.DB{"points": db}, order)
	if err != nil || len(entries) != 1 || entries[0].Event == nil || entries[0].Event.Type != e.Type {
		t.Errorf("%v, %+v", err, entries)
	}
}

func logPack(t *testing.T, db *database.DB, id int64, e eventbus.Event) {
	t.Helper()
	pack, err := eventbus.Encode("souk/points", time.Unix(1, 0), []eventbus.Event{e})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(t.Context(), "INSERT INTO event_log (id, topic, part, n, at, payload) VALUES (?, ?, ?, 1, 1, ?)",
		id, contracts.TopicPoints, contracts.Partition(e.Subject, contracts.Partitions), pack)
	if err != nil {
		t.Fatal(err)
	}
}
