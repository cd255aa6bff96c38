package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	driver "github.com/go-sql-driver/mysql"
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

// migrationWait is how long a migrator waits for another to finish.
const migrationWait = time.Minute

// lockName is MySQL's name of the migrators' lock; at most 64 characters.
const lockName = "LEFT(CONCAT('souk-migrate/', DATABASE()), 64)"

// Migrate brings every set to its newest version. Processes that start
// together take turns; the ones that come second find nothing to do. Who has
// nothing to do waits for nobody, so that a process can start again while a
// later one's migration rebuilds a table.
func (db *DB) Migrate(ctx context.Context, sets ...Migrations) error {
	if !slices.ContainsFunc(sets, func(set Migrations) bool { return db.pending(ctx, set) }) {
		return nil
	}
	db, done, err := db.patient()
	if err != nil {
		return err
	}
	defer done()
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

// patient is db with connections on which a server may be silent for as long as
// it takes to rebuild a table.
func (db *DB) patient() (patient *DB, done func(), err error) {
	if db.dialect == SQLite {
		return db, func() {}, nil
	}
	cfg := db.server.Clone()
	cfg.ReadTimeout = 0
	connector, err := driver.NewConnector(cfg)
	if err != nil {
		return nil, nil, err
	}
	pool := sql.OpenDB(connector)
	return &DB{dialect: MySQL, write: pool, read: pool}, func() { _ = pool.Close() }, nil
}

// pending reports whether a set has, or may have, a version to go to.
func (db *DB) pending(ctx context.Context, set Migrations) bool {
	p, store, err := db.provider(set)
	if err != nil {
		return true
	}
	applied, err := store.ListMigrations(ctx, db.write)
	if err != nil {
		return true // most likely there is no version table yet
	}
	return slices.ContainsFunc(p.ListSources(), func(s *goose.Source) bool {
		return !slices.ContainsFunc(applied, func(m *goosedb.ListMigrationsResult) bool { return m.IsApplied && m.Version == s.Version })
	})
}

func (db *DB) migrateSet(ctx context.Context, set Migrations) error {
	p, _, err := db.provider(set)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

func (db *DB) provider(set Migrations) (*goose.Provider, goosedb.Store, error) {
	dialect := goosedb.DialectSQLite3
	if db.dialect == MySQL {
		dialect = goosedb.DialectMySQL
	}
	store, err := goosedb.NewStore(dialect, "goose_"+set.Name)
	if err != nil {
		return nil, nil, err
	}
	p, err := goose.NewProvider("", db.write, set.FS, goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
	return p, store, err
}

// lockMigrations takes the lock that all migrators of this database share.
func (db *DB) lockMigrations(ctx context.Context) (unlock func(), err error) {
	if db.dialect == SQLite {
		return lockBeside(ctx, db.path)
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var got sql.NullInt64
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK("+lockName+", ?)", int(migrationWait.Seconds())).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = fmt.Errorf("another process has been migrating for %s", migrationWait)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() { releaseMigrations(ctx, conn) }, nil
}

func releaseMigrations(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = conn.ExecContext(ctx, "DO RELEASE_LOCK("+lockName+")")
	_ = conn.Close()
}

// lockBeside locks a second, empty SQLite file, because the migrations need
// the first one's own write lock, several times.
func lockBeside(ctx context.Context, path string) (unlock func(), err error) {
	file, err := sql.Open("sqlite", sqliteDSN(path+".migrating", migrationWait, "exclusive"))
	if err != nil {
		return nil, err
	}
	tx, err := file.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() {
		_ = tx.Rollback()
		_ = file.Close()
	}, nil
}
