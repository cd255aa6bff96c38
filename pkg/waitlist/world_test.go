package waitlist_test

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/waitlist"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

//go:embed testdata/*.sql
var files embed.FS

func migrations() database.Migrations {
	dir, err := fs.Sub(files, "testdata")
	if err != nil {
		panic(err)
	}
	return database.Migrations{Name: "waitlist_test", FS: dir}
}

// world is a table of questions that somebody is to be asked again, and what
// was asked.
type world struct {
	db *database.DB

	mu    sync.Mutex
	asked [][]int64 // per transaction
}

func newWorld(t testing.TB) *world { return &world{db: databasetest.Open(t, migrations())} }

// question is a row that waits since a time.
type question struct {
	id       int64
	since    time.Time
	answered bool
}

// nudger asks again after a while.
func (w *world) nudger(after time.Duration) waitlist.Nudger[int64, question] {
	return waitlist.Nudger[int64, question]{
		After: after,
		Lock: func(ctx context.Context, tx *database.Tx, ids []int64) (map[int64]question, error) {
			return read(ctx, tx, ids)
		},
		Since: func(q question) (time.Time, bool) { return q.since, !q.answered },
		Remind: func(_ context.Context, tx *database.Tx, qs []question) error {
			ids := make([]int64, len(qs))
			for i, q := range qs {
				ids[i] = q.id
			}
			tx.OnCommit(func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.asked = append(w.asked, ids)
			})
			return nil
		},
	}
}

func read(ctx context.Context, tx *database.Tx, ids []int64) (map[int64]question, error) {
	in, args := database.In(ids)
	rows, err := tx.Query(ctx, "SELECT id, asked_at, answered FROM question WHERE id IN "+in+" ORDER BY id"+tx.ForUpdate(), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[int64]question{}
	for rows.Next() {
		var q question
		var at int64
		if err := rows.Scan(&q.id, &at, &q.answered); err != nil {
			return nil, err
		}
		q.since = database.Time(at)
		found[q.id] = q
	}
	return found, rows.Err()
}

// walk lists the questions that have no answer.
func (w *world) walk(n waitlist.Nudger[int64, question]) waitlist.Walk {
	return func(ctx context.Context, tx *database.Tx, after, before int64, limit int) (waitlist.Stretch, error) {
		s, err := waitlist.Extent(ctx, tx, "question", "id", after, before, limit)
		if err != nil {
			return s, err
		}
		rows, err := tx.Query(ctx, "SELECT id, asked_at FROM question WHERE id > ? AND id <= ? AND answered = 0 ORDER BY id", after, s.Last)
		if err != nil {
			return s, err
		}
		defer rows.Close()
		for rows.Next() {
			var id, at int64
			if err := rows.Scan(&id, &at); err != nil {
				return s, err
			}
			s.Waiting = append(s.Waiting, n.Entry(id, database.Time(at)))
		}
		return s, rows.Err()
	}
}

// put stores questions.
func (w *world) put(t testing.TB, qs ...question) {
	t.Helper()
	rows := make([][]any, len(qs))
	for i, q := range qs {
		rows[i] = []any{q.id, database.Micros(q.since), 0}
		if q.answered {
			rows[i][2] = 1
		}
	}
	w.inTx(t, func(ctx context.Context, tx *database.Tx) error {
		return tx.Insert(ctx, "question", []string{"id", "asked_at", "answered"}, rows)
	})
}

func (w *world) inTx(t testing.TB, fn func(ctx context.Context, tx *database.Tx) error) {
	t.Helper()
	if err := w.db.InTx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func (w *world) now(t testing.TB) (now time.Time) {
	t.Helper()
	w.inTx(t, func(ctx context.Context, tx *database.Tx) (err error) {
		now, err = tx.Now(ctx)
		return err
	})
	return now
}

func (w *world) number(t testing.TB, query string, args ...any) (n int64) {
	t.Helper()
	if err := w.db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// all lists what was asked so far, in id order.
func (w *world) all() []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(slices.Values(slices.Concat(w.asked...)))
}

// run runs a Watcher for the length of the test.
func run(t testing.TB, w *waitlist.Watcher) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// idAt is the n-th id made at a time.
func idAt(made time.Time, n int64) int64 {
	return made.Sub(idgen.Parse(0).Time).Milliseconds()<<22 | n
}
