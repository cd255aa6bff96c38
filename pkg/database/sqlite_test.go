package database_test

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// sqliteBusy provokes the driver's own SQLITE_BUSY.
func sqliteBusy(t testing.TB) error {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "busy.db")+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	first, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Rollback() }()
	_, err = pool.BeginTx(t.Context(), nil)
	return err
}
