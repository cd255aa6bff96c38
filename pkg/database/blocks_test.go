package database_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"souk.example/pkg/database"
)

// manyRows is not a whole number of the blocks that long lists are sent in.
const manyRows = 1337

// What is inserted by the hundred, or is heavy, arrives as what is inserted alone does.
func TestInsertKeepsEveryValue(t *testing.T) {
	for name, shape := range map[string]struct{ rows, times int }{"many": {manyRows, 1}, "heavy": {5, 200}} {
		t.Run(name, func(t *testing.T) { keepsEveryValue(t, shape.rows, shape.times) })
	}
}

// keepsEveryValue inserts rows, each with all bytes that there are, times over.
func keepsEveryValue(t *testing.T, n, times int) {
	db := open(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = []any{int64(i) << 40, fmt.Sprintf("it's \\ %d 日本 🛒", i), append(bytes.Repeat(all, times), byte(i)), uint32(1<<32 - 1), true, nil}
	}
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "CREATE TABLE thing (id BIGINT NOT NULL PRIMARY KEY, word VARCHAR(64) NOT NULL, bin "+blob(db)+" NOT NULL, n BIGINT NOT NULL, yes INT NOT NULL, none INT)")
		return err
	})
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		return tx.Insert(ctx, "thing", []string{"id", "word", "bin", "n", "yes", "none"}, rows)
	})
	found, err := db.Query(t.Context(), "SELECT id, word, bin, n, yes, none FROM thing ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	i := 0
	for ; found.Next(); i++ {
		var id, n, yes int64
		var word string
		var bin []byte
		var none sql.NullInt64
		if err := found.Scan(&id, &word, &bin, &n, &yes, &none); err != nil {
			t.Fatal(err)
		}
		if id != rows[i][0] || word != rows[i][1] || !bytes.Equal(bin, rows[i][2].([]byte)) || n != 1<<32-1 || yes != 1 || none.Valid {
			t.Errorf("row %d: %d %q %d bytes %d %d %v", i, id, word, len(bin), n, yes, none)
		}
	}
	if err := found.Err(); err != nil || i != len(rows) {
		t.Errorf("%d rows, %v", i, err)
	}
}

// Wide rows go in blocks of two lengths, and what is left by itself.
func TestInsertOfWideRows(t *testing.T) {
	const width = 20
	db := open(t)
	cols, types := make([]string, width), make([]string, width)
	for c := range cols {
		cols[c] = fmt.Sprintf("c%d", c)
		types[c] = cols[c] + " BIGINT NOT NULL"
	}
	rows := make([][]any, manyRows)
	for i := range rows {
		for c := range width {
			rows[i] = append(rows[i], i*width+c)
		}
	}
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "CREATE TABLE wide ("+strings.Join(types, ",")+", PRIMARY KEY (c0))")
		return err
	})
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error { return tx.Insert(ctx, "wide", cols, rows) })
	var n, lowest, highest int
	query := "SELECT COUNT(*), MIN(c0), MAX(c19) FROM wide WHERE c0 % 20 = 0 AND c19 = c0 + 19 AND c10 = c0 + 10"
	if err := db.QueryRow(t.Context(), query).Scan(&n, &lowest, &highest); err != nil {
		t.Fatal(err)
	}
	if n != manyRows || lowest != 0 || highest != manyRows*width-1 {
		t.Errorf("%d rows from %d to %d, want %d from 0 to %d", n, lowest, highest, manyRows, manyRows*width-1)
	}
}

func TestUpsertOfManyMeetsEachRowOnce(t *testing.T) {
	db := open(t)
	accounts(t, db, manyRows)
	rows := make([][]any, manyRows)
	for i := range rows {
		rows[i] = []any{i + 1, fmt.Sprintf("owner-%d", i+1), i}
	}
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		return tx.Upsert(ctx, "account", []string{"id"}, columns, rows, map[string]string{"balance": "old(balance) + new(balance)"})
	})
	var wrong int
	if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM account WHERE balance <> 100 + id - 1").Scan(&wrong); err != nil || wrong != 0 {
		t.Errorf("%d balances are wrong, %v", wrong, err)
	}
}

func TestInsertOfManyNamesTheDuplicate(t *testing.T) {
	db := open(t)
	rows := make([][]any, manyRows)
	for i := range rows {
		rows[i] = []any{i + 1, fmt.Sprintf("owner-%d", i+1), 1}
	}
	for _, again := range []int{3, manyRows - 1} { // in a block, and in what is left
		twice := append([][]any{}, rows...)
		twice[again] = rows[0]
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return tx.Insert(ctx, "account", columns, twice)
		})
		if !errors.Is(err, database.ErrDuplicate) || count(t, db) != 0 {
			t.Errorf("row %d twice: Insert() = %v with %d rows", again, err, count(t, db))
		}
	}
}

// A connection has a long INSERT parsed once, however often it sends it.
func TestALongInsertIsPreparedOnce(t *testing.T) {
	db := open(t)
	if db.Dialect() == database.SQLite {
		t.Skip("nothing is prepared there")
	}
	prepared := func(ctx context.Context, tx *database.Tx) (n int) {
		var name string
		if err := tx.QueryRow(ctx, "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'").Scan(&name, &n); err != nil {
			t.Error(err)
		}
		return n
	}
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		before := prepared(ctx, tx)
		for part := range 3 {
			rows := make([][]any, manyRows)
			for i := range rows {
				id := part*manyRows + i
				rows[i] = []any{id, fmt.Sprintf("owner-%d", id), 1}
			}
			if err := tx.Insert(ctx, "account", columns, rows); err != nil {
				return err
			}
		}
		if n := prepared(ctx, tx) - before; n != 1 {
			t.Errorf("prepared %d times, want once", n)
		}
		return nil
	})
}

// A column that comes while connections keep statements, as in an upgrade under
// load, is no failure, nor is a statement that failed before.
func TestALongInsertOutlivesTheSchema(t *testing.T) {
	db := open(t)
	insert := func(first int) error {
		rows := make([][]any, manyRows)
		for i := range rows {
			rows[i] = []any{first + i, fmt.Sprintf("owner-%d", first+i), 1}
		}
		return db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return tx.Insert(ctx, "account", columns, rows)
		})
	}
	for i, change := range []string{"SELECT 1", "ALTER TABLE account ADD COLUMN remark VARCHAR(16)", "ALTER TABLE account ADD COLUMN grade INT NOT NULL DEFAULT 3"} {
		inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, change)
			return err
		})
		if err := insert(1 + i*manyRows); err != nil {
			t.Errorf("after %s: %v", change, err)
		}
		if err := insert(1); !errors.Is(err, database.ErrDuplicate) {
			t.Errorf("the same rows again: %v", err)
		}
	}
	if n := count(t, db); n != 3*manyRows {
		t.Errorf("%d rows, want %d", n, 3*manyRows)
	}
}
