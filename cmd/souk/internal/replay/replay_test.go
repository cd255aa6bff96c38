package replay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"souk.example/cmd/souk/internal/replay"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/outbox"
)

const topic = "souk.order.v1"

// start is when the first pack was written; each later one came a minute later.
var start = time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)

// log is a database whose event log holds n packs of a topic, and n of another.
func log(t *testing.T, n int) *database.DB {
	t.Helper()
	db := databasetest.Open(t, outbox.Migrations())
	var rows [][]any
	for i := range n {
		at := database.Micros(start.Add(time.Duration(i) * time.Minute))
		rows = append(rows, []any{i + 1, topic, i % 4, 2, at, []byte(fmt.Sprint(i + 1))}, []any{n + i + 1, "souk.other.v1", 0, 1, at, []byte("x")})
	}
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.Insert(ctx, "event_log", []string{"id", "topic", "part", "n", "at", "payload"}, rows)
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// sink takes records until it breaks.
type sink struct {
	records []eventbus.Record
	breaks  int
}

func (s *sink) Publish(_ context.Context, records []eventbus.Record) []error {
	if s.breaks > 0 && len(s.records) >= s.breaks {
		return []error{errors.New("broker is away")}
	}
	s.records = append(s.records, records...)
	return nil
}

func TestRunSendsTheRangeInOrder(t *testing.T) {
	db, out := log(t, 1000), &sink{}
	job := replay.Job{Group: "payment", From: start.Add(10 * time.Minute), To: start.Add(510 * time.Minute), Rate: 1_000_000, Publisher: out}
	got, err := job.Run(t.Context(), db, topic)
	if err != nil || got != (replay.Sent{Topic: topic, Packs: 500, Events: 1000}) {
		t.Fatalf("Run() = %+v, %v", got, err)
	}
	for n, r := range out.records {
		want := eventbus.Record{Topic: topic, Partition: int32((n + 10) % 4), Value: []byte(fmt.Sprint(n + 11)), Replay: "payment"}
		if fmt.Sprint(r) != fmt.Sprint(want) {
			t.Fatalf("record %d is %+v, want %+v", n, r, want)
		}
	}
}

func TestRunWithoutAPublisherCounts(t *testing.T) {
	job := replay.Job{Group: "payment", From: start, To: start.Add(time.Hour), Rate: 1}
	got, err := job.Run(t.Context(), log(t, 100), topic)
	if err != nil || got.Packs != 60 || got.Events != 120 {
		t.Errorf("Run() = %+v, %v", got, err)
	}
}

func TestRunTellsHowFarItCame(t *testing.T) {
	job := replay.Job{Group: "payment", From: start, To: start.Add(24 * time.Hour), Rate: 1_000_000, Publisher: &sink{breaks: 200}}
	got, err := job.Run(t.Context(), log(t, 1000), topic)
	if err == nil || got.Packs != 200 {
		t.Errorf("Run() = %+v, %v, want 200 packs and an error", got, err)
	}
}

// A job about some orders sends the packs that speak of them, whole, to all.
func TestRunSendsWhatIsAboutASubject(t *testing.T) {
	db, out := databasetest.Open(t, outbox.Migrations()), &sink{}
	var rows [][]any
	for i := range 1000 {
		value, err := eventbus.Encode("order", start, []eventbus.Event{event(i), event(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, []any{i + 1, topic, 0, 2, database.Micros(start), value})
	}
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.Insert(ctx, "event_log", []string{"id", "topic", "part", "n", "at", "payload"}, rows)
	})
	if err != nil {
		t.Fatal(err)
	}
	job := replay.Job{From: start, To: start.Add(time.Hour), Rate: 1_000_000, Publisher: out, About: map[string]bool{"7": true, "900": true}}
	got, err := job.Run(t.Context(), db, topic)
	if err != nil || got.Packs != 4 || len(out.records) != 4 {
		t.Fatalf("Run() = %+v, %v; sent %d", got, err, len(out.records))
	}
	for _, r := range out.records {
		events, err := eventbus.Decode(r.Value)
		if err != nil || len(events) != 2 || r.Replay != "" || !job.About[events[0].Subject] && !job.About[events[1].Subject] {
			t.Errorf("sent %+v, %v", events, err)
		}
	}
}

func event(n int) eventbus.Event {
	return eventbus.Event{ID: fmt.Sprintf("%d-1", n), Type: "order.placed.v1", Subject: fmt.Sprint(n), Payload: []byte{}}
}
