// Package databasetest gives tests a database of their own.
package databasetest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
)

// DSNVariable names a MySQL-protocol server to test on instead of SQLite, e.g.
// "root@tcp(127.0.0.1:3306)/": each Open makes a database there and drops it.
const DSNVariable = "SOUK_TEST_MYSQL_DSN"

var made atomic.Int64 // makes names unique within the process

// Open returns a fresh, migrated database: a SQLite file in the test's own
// directory, or a database on the server that DSNVariable names. It is closed
// and gone when the test ends.
func Open(t testing.TB, sets ...database.Migrations) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{DSN: DSN(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), sets...); err != nil {
		t.Fatal(err)
	}
	return db
}

// DSN names a fresh, empty database, for tests that open it themselves or
// more than once.
func DSN(t testing.TB) config.Secret {
	t.Helper()
	server := os.Getenv(DSNVariable)
	if server == "" {
		return config.Secret("sqlite:" + filepath.Join(t.TempDir(), "test.db"))
	}
	name := fmt.Sprintf("souk_test_%d_%d", os.Getpid(), made.Add(1))
	admin, err := sql.Open("mysql", server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(t, admin, name) })
	return config.Secret("mysql:" + strings.TrimSuffix(server, "/") + "/" + name)
}

func drop(t testing.TB, admin *sql.DB, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := admin.ExecContext(ctx, "DROP DATABASE "+name); err != nil {
		t.Errorf("drop %s: %v", name, err)
	}
	_ = admin.Close()
}
