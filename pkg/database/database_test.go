package database_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const schema = `-- +goose Up
CREATE TABLE account (
    id      BIGINT      NOT NULL,
    owner   VARCHAR(16) NOT NULL,
    balance BIGINT      NOT NULL,
    note    VARCHAR(16),
    PRIMARY KEY (id),
    UNIQUE (owner)
);
-- +goose Down
DROP TABLE account;
`

var columns = []string{"id", "owner", "balance"}

func migrations() database.Migrations {
	return database.Migrations{Name: "account", FS: fstest.MapFS{"0001_account.sql": {Data: []byte(schema)}}}
}

func open(t testing.TB) *database.DB { return databasetest.Open(t, migrations()) }

type txFunc = func(ctx context.Context, tx *database.Tx) error

func inTx(t testing.TB, db *database.DB, fn txFunc) {
	t.Helper()
	if err := db.InTx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// accounts adds n accounts, 1…n, each with a balance of 100.
func accounts(t testing.TB, db *database.DB, n int) {
	t.Helper()
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = []any{i + 1, fmt.Sprintf("owner-%d", i+1), 100}
	}
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		return tx.Insert(ctx, "account", columns, rows)
	})
}

func balance(t testing.TB, db *database.DB, id int) (amount int64) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT balance FROM account WHERE id = ?", id).Scan(&amount); err != nil {
		t.Fatal(err)
	}
	return amount
}

func count(t testing.TB, db *database.DB) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM account").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFailedTransactionLeavesNothing(t *testing.T) {
	db, refusal := open(t), errors.New("refused")
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		tx.OnCommit(func() { t.Error("the hook of a failed transaction ran") })
		return errors.Join(tx.Insert(ctx, "account", columns, [][]any{{1, "ann", 1}}), refusal)
	})
	if !errors.Is(err, refusal) || count(t, db) != 0 {
		t.Errorf("InTx() = %v with %d rows, want the refusal and none", err, count(t, db))
	}
}

// busy is what SQLite and MySQL answer when a transaction lost against another.
func busy(ctx context.Context, t testing.TB, db *database.DB) error {
	t.Helper()
	if db.Dialect() == database.MySQL {
		_, err := db.Query(ctx, "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'deadlock'")
		return err
	}
	return sqliteBusy(t)
}

func TestHooksOfTheRunThatCommittedRunOnce(t *testing.T) {
	db := open(t)
	var runs, hooks int
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		runs++
		tx.OnCommit(func() { hooks++ })
		if _, err := tx.Exec(ctx, "INSERT INTO account (id, owner, balance) VALUES (1, 'ann', 1)"); err != nil {
			return err
		}
		if runs < 3 {
			return fmt.Errorf("wrapped: %w", busy(t.Context(), t, db))
		}
		return nil
	})
	if err != nil || runs != 3 || hooks != 1 || count(t, db) != 1 {
		t.Errorf("InTx() = %v after %d runs with %d hooks and %d rows, want nil, 3, 1, 1", err, runs, hooks, count(t, db))
	}
}

func TestRerunsEnd(t *testing.T) {
	db, err := database.Open(t.Context(), database.Config{DSN: databasetest.DSN(t), MaxAttempts: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	runs, lost := 0, busy(t.Context(), t, db)
	err = db.InTx(t.Context(), func(context.Context, *database.Tx) error { runs++; return lost })
	if runs != 3 || !database.IsTransient(err) {
		t.Errorf("InTx() = %v after %d runs, want a transient error after 3", err, runs)
	}
}

func TestPanicRollsBack(t *testing.T) {
	db := open(t)
	runs := 0
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		runs++
		_ = tx.Insert(ctx, "account", columns, [][]any{{1, "ann", 1}})
		panic(fmt.Errorf("bug: %w", database.ErrCommitUnknown))
	})
	if err == nil || !strings.Contains(err.Error(), "bug") || database.IsTransient(err) || runs != 1 {
		t.Errorf("InTx() = %v after %d runs, want an error that tells of the panic after one", err, runs)
	}
	if n := count(t, db); n != 0 {
		t.Errorf("%d rows, want 0", n)
	}
	accounts(t, db, 1) // the connection is free again
}

// A panic in a hook comes after COMMIT: it must not pass for a rollback.
func TestPanicInAHookIsNoError(t *testing.T) {
	db := open(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the hook's panic is gone")
			}
		}()
		_ = db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tx.OnCommit(func() { panic("bug") })
			return tx.Insert(ctx, "account", columns, [][]any{{1, "ann", 1}})
		})
	}()
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func TestDeadContextIsNotTransient(t *testing.T) {
	works := map[string]func(tx *database.Tx) error{
		"COMMIT comes first":        func(*database.Tx) error { return nil },
		"the rollback comes first":  func(tx *database.Tx) error { _ = untilDone(t, tx); return nil },
		"a statement meets its end": func(tx *database.Tx) error { return untilDone(t, tx) },
	}
	for name, work := range works {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			ctx, cancel := context.WithCancel(t.Context())
			err := db.InTx(ctx, func(_ context.Context, tx *database.Tx) error { cancel(); return work(tx) })
			if !errors.Is(err, context.Canceled) || errors.Is(err, database.ErrCommitUnknown) || database.IsTransient(err) {
				t.Errorf("InTx() = %v, want context canceled", err)
			}
		})
	}
}

// untilDone runs statements until database/sql has rolled tx back.
func untilDone(t *testing.T, tx *database.Tx) error {
	for {
		if _, err := tx.Exec(context.WithoutCancel(t.Context()), "SELECT 1"); err != nil {
			return err
		}
	}
}

func TestGORMSharesTheTransaction(t *testing.T) {
	type account struct {
		ID      int64
		Owner   string
		Balance int64
	}
	db, refusal := open(t), errors.New("refused")
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Insert(ctx, "account", columns, [][]any{{1, "ann", 1}}); err != nil {
			return err
		}
		var found account
		if err := tx.ORM().Table("account").Take(&found, 1).Error; err != nil || found.Owner != "ann" {
			t.Errorf("GORM found %+v, %v", found, err)
		}
		dup := tx.ORM().Table("account").Create(&account{ID: 1, Owner: "bob"}).Error
		if !errors.Is(dup, database.ErrDuplicate) {
			t.Errorf("Create() of a duplicate = %v", dup)
		}
		if err := tx.ORM().Table("account").Create(&account{ID: 2, Owner: "cid"}).Error; err != nil {
			t.Error(err)
		}
		return refusal
	})
	if !errors.Is(err, refusal) || count(t, db) != 0 {
		t.Errorf("InTx() = %v with %d rows, want the refusal and none", err, count(t, db))
	}
	missing := db.ORM(t.Context()).Table("account").Take(&account{}, 7).Error
	if !errors.Is(missing, database.ErrNotFound) || !errors.Is(missing, gorm.ErrRecordNotFound) {
		t.Errorf("Take() of a missing row = %v", missing)
	}
}

func TestDuplicateNamesTheKeyOnly(t *testing.T) {
	db := open(t)
	accounts(t, db, 1)
	for name, row := range map[string][]any{"primary": {1, "someone-else", 0}, "unique": {2, "owner-1", 0}} {
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return tx.Insert(ctx, "account", columns, [][]any{row})
		})
		if !errors.Is(err, database.ErrDuplicate) || strings.Contains(err.Error(), "owner-1") {
			t.Errorf("Insert() of a %s duplicate = %v", name, err)
		}
	}
}

func TestSnapshotSeesOneMoment(t *testing.T) {
	db := open(t)
	accounts(t, db, 1)
	err := db.Snapshot(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		read := func() (n int64) {
			if err := tx.QueryRow(ctx, "SELECT balance FROM account WHERE id = 1").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		before := read()
		if _, err := db.Exec(ctx, "UPDATE account SET balance = 7 WHERE id = 1"); err != nil {
			return err
		}
		if after := read(); after != before {
			t.Errorf("the snapshot went from %d to %d", before, after)
		}
		if _, err := tx.Exec(ctx, "UPDATE account SET balance = 8 WHERE id = 1"); err == nil {
			t.Error("a snapshot was written to")
		}
		return nil
	})
	if err != nil || balance(t, db, 1) != 7 {
		t.Errorf("Snapshot() = %v, balance %d", err, balance(t, db, 1))
	}
}

func TestIncrementsOfManyAreNotLost(t *testing.T) {
	db := open(t)
	accounts(t, db, 2)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			ids := []int{1 + i%2, 2 - i%2} // in both orders, so that they deadlock where they can
			err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				for _, id := range ids {
					if _, err := tx.Exec(ctx, "UPDATE account SET balance = balance + 1 WHERE id = ?", id); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if a, b := balance(t, db, 1), balance(t, db, 2); a != 140 || b != 140 {
		t.Errorf("balances %d and %d, want 140", a, b)
	}
}

func TestNowIsTheDatabasesClock(t *testing.T) {
	inTx(t, open(t), func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if d := time.Since(now); err != nil || d < -time.Second || d > time.Second {
			t.Errorf("Now() = %v, %v, %v from this clock", now, err, d)
		}
		return err
	})
}

func TestMicrosRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.FixedZone("CST", 8*3600))
	if got := database.Time(database.Micros(at)); !got.Equal(at.Truncate(time.Microsecond)) || got.Location() != time.UTC {
		t.Errorf("Time(Micros(%v)) = %v", at, got)
	}
}

func TestOpenTellsNoSecrets(t *testing.T) {
	for _, dsn := range []string{"", "sqlite:", "mysql:root:hunter2@tcp(", "postgres://root:hunter2@host/x", "mysql:root:hunter2@tcp(127.0.0.1:1)/x"} {
		_, err := database.Open(t.Context(), database.Config{DSN: config.Secret(dsn)})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) = %v", dsn, err)
		}
	}
}

func TestMigratorsTakeTurns(t *testing.T) {
	dsn := databasetest.DSN(t)
	var wg sync.WaitGroup
	for range 4 {
		db, err := database.Open(t.Context(), database.Config{DSN: dsn})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		wg.Go(func() {
			if err := db.Migrate(t.Context(), migrations()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestFileIsSharedByTwoOpeners(t *testing.T) {
	dsn := databasetest.DSN(t)
	openers := make([]*database.DB, 2)
	for i := range openers {
		db, err := database.Open(t.Context(), database.Config{DSN: dsn})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		openers[i] = db
	}
	if err := openers[0].Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
	accounts(t, openers[0], 1)
	var wg sync.WaitGroup
	for _, db := range openers {
		for range 50 {
			wg.Go(func() {
				if _, err := db.Exec(t.Context(), "UPDATE account SET balance = balance + 1 WHERE id = 1"); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if got := balance(t, openers[1], 1); got != 200 {
		t.Errorf("balance %d, want 200", got)
	}
}
