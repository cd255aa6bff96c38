package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	goosedb "github.com/pressly/goose/v3/database"
)

// Migrations is one package's schema: *.sql files at the root of FS, in
// goose's format. Each set keeps its own version table, goose_<Name>, so that
// packages evolve apart.
type Migrations struct {
	Name string
	FS   fs.FS
}

// migrationLock names the lock under which one process migrates at a time.
const migrationLock = "souk-migrate"

// Migrate brings every set to its newest version. Processes that start
// together take turns; the ones that come second find nothing to do.
func (db *DB) Migrate(ctx context.Context, sets ...Migrations) error {
	unlock, err := db.lockMigrations(ctx)
	if err != nil {
		return fmt.Errorf("wait for other migrators: %w", err)
	}
	defer unlock()
	for _, set := range sets {
		if err := db.migrateSet(ctx, set); err != nil {
			return fmt.Errorf("migrate %s: %w", set.Name, err)
		}
	}
	return nil
}

func (db *DB) migrateSet(ctx context.Context, set Migrations) error {
	dialect := goosedb.DialectSQLite3
	if db.dialect == MySQL {
		dialect = goosedb.DialectMySQL
	}
	store, err := goosedb.NewStore(dialect, "goose_"+set.Name)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider("", db.write, set.FS, goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// lockMigrations takes a named lock on MySQL, on a connection of its own. On
// SQLite processes meet at the file's write lock instead: the second one's
// statement fails or waits, and Migrate is run again at its next start.
func (db *DB) lockMigrations(ctx context.Context) (unlock func(), err error) {
	if db.dialect == SQLite {
		return func() {}, nil
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var got sql.NullInt64
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK(CONCAT(DATABASE(), '/', ?), 60)", migrationLock).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = errors.New("another process has been migrating for 60 s")
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() { releaseMigrations(ctx, conn) }, nil
}

func releaseMigrations(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = conn.ExecContext(ctx, "SELECT RELEASE_LOCK(CONCAT(DATABASE(), '/', ?))", migrationLock)
	_ = conn.Close() // closing releases the lock as well
}
