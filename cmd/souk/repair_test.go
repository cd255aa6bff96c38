package main

import (
	"context"
	"strconv"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idgen"
	"souk.example/pkg/outbox"
)

// A repair finds what was said of an order also where a clock was a quarter of
// an hour slow or fast: ids go by the database's, events by their writer's.
func TestARepairFindsEventsThatAreDatedWrong(t *testing.T) {
	db, now := databasetest.Open(t, outbox.Migrations()), time.Now()
	order := now.Sub(idgen.Parse(0).Time).Milliseconds() << 22
	subject := strconv.FormatInt(order, 10)
	var rows [][]any
	for n, dated := range []time.Duration{-15 * time.Minute, 0, 15 * time.Minute} {
		pack, err := eventbus.Encode("souk/order", now, []eventbus.Event{{ID: subject + "-1", Type: contracts.OrderPlaced.Name, Subject: subject}})
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, []any{order + int64(n), contracts.TopicOrder, 0, 1, database.Micros(now.Add(dated)), pack})
	}
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.Insert(ctx, "event_log", []string{"id", "topic", "part", "n", "at", "payload"}, rows)
	})
	if err != nil {
		t.Fatal(err)
	}
	job := repairJob(map[int64]bool{order: true}, now)
	if sent, err := job.Run(t.Context(), db, contracts.TopicOrder); err != nil || sent.Packs != len(rows) {
		t.Errorf("%d packs are sent again, %v, want %d", sent.Packs, err, len(rows))
	}
}
