package database_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"souk.example/pkg/database"
)

func TestInsertChunks(t *testing.T) {
	db := open(t)
	accounts(t, db, 25_000) // 75,000 parameters
	if n := count(t, db); n != 25_000 {
		t.Errorf("%d rows", n)
	}
}

// Together the rows are larger than a server takes in one packet, and every
// byte of them doubles when it is escaped.
func TestManyLargeRowsFitTheServersPackets(t *testing.T) {
	db := open(t)
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "CREATE TABLE letter (id BIGINT NOT NULL PRIMARY KEY, payload "+blob(db)+" NOT NULL)")
		return err
	})
	const n, size = 24, 1 << 20
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = []any{i, bytes.Repeat([]byte("'"), size)}
	}
	for name, insert := range map[string]func(context.Context, *database.Tx) (int64, error){
		"Insert": func(ctx context.Context, tx *database.Tx) (int64, error) {
			return n, tx.Insert(ctx, "letter", []string{"id", "payload"}, rows)
		},
		"InsertIgnore": func(ctx context.Context, tx *database.Tx) (int64, error) {
			return tx.InsertIgnore(ctx, "letter", []string{"id", "payload"}, rows)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
				if _, err := tx.Exec(ctx, "DELETE FROM letter"); err != nil {
					return err
				}
				inserted, err := insert(ctx, tx)
				if err != nil || inserted != n {
					return fmt.Errorf("inserted %d rows: %w", inserted, err)
				}
				var stored int64
				err = tx.QueryRow(ctx, "SELECT SUM(LENGTH(payload)) FROM letter").Scan(&stored)
				if stored != n*size {
					t.Errorf("%d bytes are stored, want %d", stored, n*size)
				}
				return err
			})
		})
	}
}

func blob(db *database.DB) string {
	if db.Dialect() == database.MySQL {
		return "LONGBLOB"
	}
	return "BLOB"
}

func TestInsertRefusesARowOfAnotherWidth(t *testing.T) {
	err := open(t).InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.Insert(ctx, "account", columns, [][]any{{1, "ann", 1}, {2, "bob"}})
	})
	if err == nil {
		t.Error("Insert() = nil")
	}
}

func TestInsertIgnoreCountsWhatIsNew(t *testing.T) {
	db := open(t)
	accounts(t, db, 100)
	rows := make([][]any, 0, 300)
	for i := range 300 {
		rows = append(rows, []any{i + 1, fmt.Sprintf("owner-%d", i+1), 5})
	}
	rows = append(rows, []any{1000, "owner-7", 5}) // another id, a known owner
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.InsertIgnore(ctx, "account", columns, rows)
		if n != 200 {
			t.Errorf("InsertIgnore() = %d, want 200", n)
		}
		return err
	})
	if balance(t, db, 7) != 100 || balance(t, db, 200) != 5 || count(t, db) != 300 {
		t.Error("InsertIgnore changed a row or missed one")
	}
}

func TestInsertIgnoreIgnoresNothingElse(t *testing.T) {
	db := open(t)
	accounts(t, db, 1)
	for name, row := range map[string][]any{
		"null":           {2, nil, 1},
		"null duplicate": {1, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.InsertIgnore(ctx, "account", columns, [][]any{row})
				return err
			})
			if err == nil || errors.Is(err, database.ErrDuplicate) {
				t.Errorf("InsertIgnore() = %v", err)
			}
		})
	}
	if db.Dialect() == database.MySQL { // SQLite has no lengths
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.InsertIgnore(ctx, "account", columns, [][]any{{3, strings.Repeat("x", 17), 1}})
			return err
		})
		if err == nil || count(t, db) != 1 {
			t.Errorf("InsertIgnore() of too long a text = %v", err)
		}
	}
}

// A server lists 64 warnings unless it is asked for more.
func TestInsertIgnoreSeesBehindManyDuplicates(t *testing.T) {
	db := open(t)
	if db.Dialect() != database.MySQL {
		t.Skip("SQLite has no warnings")
	}
	accounts(t, db, 1000)
	var rows [][]any
	for i := range 1000 {
		rows = append(rows, []any{i + 1, fmt.Sprintf("owner-%d", i+1), 5})
	}
	rows = append(rows, []any{2000, strings.Repeat("x", 17), 1})
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.InsertIgnore(ctx, "account", columns, rows)
		return err
	})
	if err == nil || count(t, db) != 1000 {
		t.Errorf("InsertIgnore() of too long a text behind duplicates = %v with %d rows", err, count(t, db))
	}
}

func TestUpsertAddsToWhatIsThere(t *testing.T) {
	db := open(t)
	accounts(t, db, 1)
	for range 2 {
		inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
			return tx.Upsert(ctx, "account", []string{"id"}, columns,
				[][]any{{1, "owner-1", 5}, {2, "owner-2", 7}},
				map[string]string{"balance": "old(balance) + new(balance)", "note": "new(owner)"})
		})
	}
	if a, b := balance(t, db, 1), balance(t, db, 2); a != 110 || b != 14 {
		t.Errorf("balances %d and %d, want 110 and 14", a, b)
	}
}

func TestUpsertRefusesAnAmbiguousSet(t *testing.T) {
	err := open(t).InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.Upsert(ctx, "account", []string{"id"}, columns, [][]any{{1, "ann", 5}},
			map[string]string{"balance": "0", "id": "old(balance)"})
	})
	if err == nil {
		t.Error("Upsert() = nil")
	}
}

func TestUpdateManyCountsRowsFoundAndMet(t *testing.T) {
	db := open(t)
	accounts(t, db, 3)
	take := database.UpdateMany{
		Table: "account", Key: []string{"id"}, Values: []string{"amount"},
		Set: map[string]string{"balance": "t.balance - v.amount"}, Where: "t.balance >= v.amount",
	}
	for _, test := range []struct {
		name string
		rows [][]any
		want int64
	}{
		{"all", [][]any{{1, 10}, {2, 20}, {3, 30}}, 3},
		{"one too poor", [][]any{{1, 10}, {2, 20}, {3, 71}}, 2},
		{"one missing", [][]any{{1, 10}, {9, 1}}, 1},
		{"unchanged still counts", [][]any{{1, 0}, {2, 0}}, 2},
		{"none", nil, 0},
	} {
		take.Rows = test.rows
		inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
			n, err := tx.UpdateMany(ctx, take)
			if n != test.want {
				t.Errorf("%s: UpdateMany() = %d, want %d", test.name, n, test.want)
			}
			return err
		})
	}
	if a, b, c := balance(t, db, 1), balance(t, db, 2), balance(t, db, 3); a != 70 || b != 60 || c != 70 {
		t.Errorf("balances %d, %d, %d, want 70, 60, 70", a, b, c)
	}
}

func TestUpdateManyByTextAndNull(t *testing.T) {
	db := open(t)
	accounts(t, db, 2)
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.UpdateMany(ctx, database.UpdateMany{
			Table: "account", Key: []string{"owner", "id"}, Values: []string{"note"},
			Rows: [][]any{{"owner-1", 1, nil}, {"owner-2", 2, "a'b\\ \u2603"}, {"OWNER-1", 1, "case"}},
			Set:  map[string]string{"note": "v.note"},
		})
		if n != 2 {
			t.Errorf("UpdateMany() = %d, want 2", n)
		}
		return err
	})
	var note string
	if err := db.QueryRow(t.Context(), "SELECT note FROM account WHERE id = 2").Scan(&note); err != nil || note != "a'b\\ \u2603" {
		t.Errorf("note %q, %v", note, err)
	}
}

func TestUpdateManyChunks(t *testing.T) {
	db := open(t)
	const n = 20_000
	accounts(t, db, n)
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = []any{i + 1, i}
	}
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		got, err := tx.UpdateMany(ctx, database.UpdateMany{
			Table: "account", Key: []string{"id"}, Values: []string{"b"}, Rows: rows,
			Set: map[string]string{"balance": "v.b"},
		})
		if got != n {
			t.Errorf("UpdateMany() = %d, want %d", got, n)
		}
		return err
	})
	if got := balance(t, db, n); got != n-1 {
		t.Errorf("balance %d, want %d", got, n-1)
	}
}

func TestUpdateManyRefusesAnAmbiguousSet(t *testing.T) {
	err := open(t).InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.UpdateMany(ctx, database.UpdateMany{
			Table: "account", Key: []string{"id"}, Rows: [][]any{{1}},
			Set: map[string]string{"balance": "0", "note": "t.balance"},
		})
		return err
	})
	if err == nil {
		t.Error("UpdateMany() = nil")
	}
}

func TestIn(t *testing.T) {
	db := open(t)
	accounts(t, db, 5)
	for _, ids := range [][]int{nil, {2}, {1, 3, 9}} {
		marks, args := database.In(ids)
		var n int
		if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM account WHERE id IN "+marks, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if want := []int{0, 1, 0, 2}[len(ids)]; n != want {
			t.Errorf("%v: found %d, want %d", ids, n, want)
		}
	}
}

func BenchmarkUpdateMany(b *testing.B) {
	db := open(b)
	accounts(b, db, 1000)
	rows := make([][]any, 500)
	for i := range rows {
		rows[i] = []any{2*i + 1, 1}
	}
	u := database.UpdateMany{
		Table: "account", Key: []string{"id"}, Values: []string{"n"}, Rows: rows,
		Set: map[string]string{"balance": "t.balance + v.n"}, Where: "t.balance >= v.n",
	}
	for b.Loop() {
		inTx(b, db, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.UpdateMany(ctx, u)
			return err
		})
	}
}
