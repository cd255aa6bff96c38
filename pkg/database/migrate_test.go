package database_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"testing/fstest"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
)

// A later version's migration may take long, and meanwhile processes of this
// one start again.
func TestWhoHasNothingToMigrateWaitsForNobody(t *testing.T) {
	dsn := databasetest.DSN(t)
	db, err := database.Open(t.Context(), database.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
	whileMigrating(t, db, dsn, func() {
		if err := db.Migrate(t.Context(), migrations()); err != nil {
			t.Errorf("Migrate() with nothing to do = %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		more := database.Migrations{Name: "more", FS: fstest.MapFS{"0001_more.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")}}}
		if err := db.Migrate(ctx, migrations(), more); err == nil {
			t.Error("Migrate() did not wait for its turn")
		}
	})
}

// whileMigrating calls fn while the migrators' lock is somebody else's.
func whileMigrating(t *testing.T, db *database.DB, dsn config.Secret, fn func()) {
	t.Helper()
	if db.Dialect() == database.MySQL {
		inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
			defer fn()
			_, err := tx.Exec(ctx, "DO GET_LOCK(LEFT(CONCAT('souk-migrate/', DATABASE()), 64), 0)")
			return err
		})
		return
	}
	file, err := sql.Open("sqlite", strings.TrimPrefix(dsn.Reveal(), "sqlite:")+".migrating")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	file.SetMaxOpenConns(1)
	if _, err := file.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	fn()
}
