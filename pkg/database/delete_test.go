package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"souk.example/pkg/database"
)

func TestDeleteManyDeletesExactlyTheKeysGiven(t *testing.T) {
	db := open(t)
	accounts(t, db, 4)
	for _, test := range []struct {
		name string
		rows [][]any
		want int64
	}{
		{"none", nil, 0},
		{"one that is there, one that is not", [][]any{{1, "owner-1"}, {9, "owner-9"}}, 1},
		{"both parts of the key count", [][]any{{2, "owner-3"}, {3, "owner-3"}}, 1},
	} {
		inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
			n, err := tx.DeleteMany(ctx, "account", []string{"id", "owner"}, test.rows)
			if n != test.want {
				t.Errorf("%s: DeleteMany() = %d, want %d", test.name, n, test.want)
			}
			return err
		})
	}
	if n := count(t, db); n != 2 {
		t.Errorf("%d accounts left, want 2", n)
	}
}

func TestDeleteManyWithoutATransaction(t *testing.T) {
	db := open(t)
	accounts(t, db, 4)
	key := []string{"id", "owner"}
	if err := db.DeleteMany(t.Context(), "account", key, [][]any{{1, "owner-1"}, {2, "owner-3"}, {9, "owner-9"}}); err != nil {
		t.Error(err)
	}
	if n := count(t, db); n != 3 {
		t.Errorf("%d accounts left, want 3", n)
	}
	if err := db.DeleteMany(t.Context(), "account", key, [][]any{{1}}); err == nil {
		t.Error("a row that lacks a part of its key was no error")
	}
}

func TestDeleteManyChunks(t *testing.T) {
	db := open(t)
	const n = 40_000
	accounts(t, db, n)
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = []any{i + 1}
	}
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		got, err := tx.DeleteMany(ctx, "account", []string{"id"}, rows)
		if got != n {
			t.Errorf("DeleteMany() = %d, want %d", got, n)
		}
		return err
	})
}

// An IN list on a small table would wait for the row that another open
// transaction has added.
func TestDeleteManyTouchesNoOtherRow(t *testing.T) {
	db := open(t)
	if db.Dialect() == database.SQLite {
		t.Skip("one writer: open transactions do not overlap")
	}
	accounts(t, db, 3)
	rollback := errors.New("rollback")
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Insert(ctx, "account", []string{"id", "owner", "balance"}, [][]any{{100, "open", 0}}); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return errors.Join(rollback, db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.DeleteMany(ctx, "account", []string{"id"}, [][]any{{1}, {2}})
			return err
		}))
	})
	if err == nil || err.Error() != rollback.Error() {
		t.Errorf("DeleteMany() beside an open transaction = %v", err)
	}
}
