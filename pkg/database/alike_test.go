package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"souk.example/pkg/database"
)

// Rows that bring the same values go by other statements than rows that bring
// their own; nobody can tell.
func TestUpdateManyOfLockedRowsIsTheSame(t *testing.T) {
	for _, locked := range []bool{false, true} {
		db := open(t)
		const n, alike, own = 4100, 4000, 4040 // ids up to alike take 0 to 3, up to own sums of their own, the rest too much
		accounts(t, db, n)
		rows := make([][]any, n)
		for i := range rows {
			rows[i] = []any{i + 1, "many", i % 4}
			if i >= alike {
				rows[i] = []any{i + 1, "few", i - alike + 10}
			}
			if i >= own {
				rows[i] = []any{i + 1, "none", 101}
			}
		}
		inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
			got, err := tx.UpdateMany(ctx, database.UpdateMany{
				Table: "account", Key: []string{"id"}, Values: []string{"text", "amount"}, Rows: rows,
				Set:   map[string]string{"balance": "t.balance - v.amount", "note": "v.text"},
				Where: "t.balance >= v.amount", Locked: locked,
			})
			if got != own {
				t.Errorf("locked %v: UpdateMany() = %d, want %d", locked, got, own)
			}
			return err
		})
		for where, want := range map[string]int{
			"note = 'many' AND id <= 4000 AND balance = 100 - (id - 1) % 4":       alike,
			"note = 'few' AND id > 4000 AND balance = 100 - (id - 1 - 4000 + 10)": own - alike,
			"note IS NULL AND id > 4040 AND balance = 100":                        n - own,
		} {
			var got int
			if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM account WHERE "+where).Scan(&got); err != nil || got != want {
				t.Errorf("locked %v: %d of %d rows are %s, %v", locked, got, want, where, err)
			}
		}
	}
}

func TestUpdateManyOfLockedRowsByTwoColumns(t *testing.T) {
	db := open(t)
	accounts(t, db, 3)
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.UpdateMany(ctx, database.UpdateMany{
			Table: "account", Key: []string{"id", "owner"}, Values: []string{"note"}, Locked: true,
			Rows: [][]any{{1, "owner-2", nil}, {2, "owner-2", nil}, {3, "owner-2", nil}},
			Set:  map[string]string{"note": "v.note", "balance": "7"},
		})
		if n != 1 {
			t.Errorf("UpdateMany() = %d, want 1", n)
		}
		return err
	})
	if a, b, c := balance(t, db, 1), balance(t, db, 2), balance(t, db, 3); a != 100 || b != 7 || c != 100 {
		t.Errorf("balances %d, %d, %d, want 100, 7, 100", a, b, c)
	}
}

// An expression may read the key, in which rows that are alike differ.
func TestUpdateManyOfLockedRowsReadsTheirKeys(t *testing.T) {
	db := open(t)
	accounts(t, db, 60)
	rows := make([][]any, 60)
	for i := range rows {
		rows[i] = []any{i + 1}
	}
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.UpdateMany(ctx, database.UpdateMany{
			Table: "account", Key: []string{"id"}, Rows: rows, Set: map[string]string{"balance": "v.id"}, Locked: true,
		})
		return err
	})
	if a, b := balance(t, db, 1), balance(t, db, 60); a != 1 || b != 60 {
		t.Errorf("balances %d and %d, want 1 and 60", a, b)
	}
}

// Two rows are never taken for alike whose values only look it.
func TestUpdateManyTellsValuesApart(t *testing.T) {
	db := open(t)
	const n = 300
	accounts(t, db, n)
	values := [][2]string{{"a,s1:b", "c"}, {"a", "b,s1:c"}, {"a", "s1:b,c"}}
	rows := make([][]any, n)
	for i := range rows {
		v := values[i%len(values)]
		rows[i] = []any{i + 1, v[0], v[1]}
	}
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.UpdateMany(ctx, database.UpdateMany{
			Table: "account", Key: []string{"id"}, Values: []string{"first", "second"}, Rows: rows, Locked: true,
			Set: map[string]string{"note": "v.second"}, Where: "v.first <> ''",
		})
		return err
	})
	var got int
	err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM account WHERE note = CASE id % 3 WHEN 1 THEN 'c' WHEN 2 THEN 'b,s1:c' ELSE 's1:b,c' END").Scan(&got)
	if err != nil || got != n {
		t.Errorf("%d of %d rows have their own values, %v", got, n, err)
	}
}

// A list of keys may be looked for all over a small table, but nobody waits
// there for the row that another open transaction has added or changed.
func TestUpdateManyOfLockedRowsWaitsForNoOther(t *testing.T) {
	db := open(t)
	if db.Dialect() == database.SQLite {
		t.Skip("one writer: open transactions do not overlap")
	}
	accounts(t, db, 4)
	rollback := errors.New("rollback")
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Insert(ctx, "account", columns, [][]any{{100, "open", 0}}); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE account SET balance = 1 WHERE id = 3"); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return errors.Join(rollback, db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.UpdateMany(ctx, database.UpdateMany{
				Table: "account", Key: []string{"id"}, Values: []string{"gain"}, Rows: [][]any{{1, 5}, {2, 5}, {4, 5}},
				Set: map[string]string{"balance": "t.balance + v.gain"}, Locked: true,
			})
			return err
		}))
	})
	if err == nil || err.Error() != rollback.Error() {
		t.Errorf("UpdateMany() beside an open transaction = %v", err)
	}
}
