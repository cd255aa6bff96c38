package groupcommit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/fstest"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/groupcommit"
)

func things() database.Migrations {
	const up = "-- +goose Up\nCREATE TABLE thing (id BIGINT NOT NULL PRIMARY KEY);\n"
	return database.Migrations{Name: "things", FS: fstest.MapFS{"0001_things.sql": {Data: []byte(up)}}}
}

// A panic in a transaction is rolled back, so its batch may be halved.
func TestRequestThatPanicsInATransactionFailsAlone(t *testing.T) {
	const n, bad = 60, 37
	db := databasetest.Open(t, things())
	insert := func(ctx context.Context, tx *database.Tx, batch []int) error {
		for _, id := range batch {
			if err := tx.Insert(ctx, "thing", []string{"id"}, [][]any{{id}}); err != nil {
				return err
			}
			if id == bad {
				panic("cannot do with this one")
			}
		}
		return nil
	}
	var queued sync.WaitGroup
	queued.Add(n)
	c := start(t, groupcommit.Config{Retry: database.IsTransient}, func(ctx context.Context, batch []int) ([]outcome, error) {
		queued.Wait() // so that the next batch is a large one
		err := db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { return insert(ctx, tx, batch) })
		if err != nil {
			return nil, err
		}
		return double(ctx, batch)
	})
	answers := make([]answer, n)
	var callers sync.WaitGroup
	for i := range n {
		callers.Go(func() {
			queued.Done() // or about to be
			answers[i].value, answers[i].err = c.Do(t.Context(), i)
		})
	}
	callers.Wait()
	for i, a := range answers {
		switch {
		case i == bad && (a.err == nil || errors.Is(a.err, groupcommit.ErrOutcomeUnknown)):
			t.Errorf("Do(%d) = %d, %v, want its own failure", i, a.value, a.err)
		case i != bad && (a.err != nil || a.value != 2*i):
			t.Errorf("Do(%d) = %d, %v", i, a.value, a.err)
		}
	}
	var stored int
	if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM thing").Scan(&stored); err != nil || stored != n-1 {
		t.Errorf("%d things are stored, want %d: %v", stored, n-1, err)
	}
}
