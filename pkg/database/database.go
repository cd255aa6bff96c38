// Package database opens SQL the way souk uses it: GORM for everyday queries
// and hand-written multi-row statements for hot paths, over one transaction
// type, on MariaDB, MySQL and TiDB or on SQLite, chosen by DSN.
//
// The subset of SQL is what all of them share (no RETURNING, SKIP LOCKED,
// savepoints, foreign keys or AUTO_INCREMENT); the little that differs stands
// behind Tx.Insert, InsertIgnore, Upsert, UpdateMany, ForUpdate and Now.
// Times are stored as UTC int64 microseconds: see Micros and Time.
package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"souk.example/pkg/config"
)

// Dialect is the family of the database behind a DSN.
type Dialect uint8

const (
	SQLite Dialect = iota
	MySQL          // MariaDB, MySQL 8, TiDB
)

// Config says which database to open. The zero value of a tunable asks for
// its default.
type Config struct {
	DSN         config.Secret `env:"SOUK_DATABASE_DSN" usage:"sqlite:PATH or mysql:USER:PASSWORD@tcp(HOST:PORT)/NAME"`
	MaxOpen     int           `env:"SOUK_DATABASE_MAX_OPEN" usage:"connections at most (default 8 per processor, up to 16; SQLite readers: 1 per processor)"`
	BusyTimeout time.Duration `env:"SOUK_DATABASE_BUSY_TIMEOUT" usage:"how long to wait for another process's lock (SQLite; default 15s)"`
	ReadTimeout time.Duration `env:"SOUK_DATABASE_READ_TIMEOUT" usage:"longest silence of the server before its connection is given up; half of it is the longest wait for a lock (MySQL; default 10s)"`
	MaxAttempts int           `env:"SOUK_DATABASE_MAX_ATTEMPTS" usage:"runs of a transaction that the database asks to repeat (default 10)"`
}

// WithDefaults returns what Open goes by: 0 stands for the default.
func (c Config) WithDefaults() Config {
	c.MaxOpen = cmp.Or(c.MaxOpen, defaultPool(c.DSN.Reveal()))
	if c.BusyTimeout == 0 {
		c.BusyTimeout = 15 * time.Second
	}
	if c.ReadTimeout == 0 {
		c.ReadTimeout = 10 * time.Second
	}
	if c.MaxAttempts == 0 {
		c.MaxAttempts = 10
	}
	return c
}

// DB is one database. Safe for concurrent use.
type DB struct {
	dialect     Dialect
	write, read *sql.DB        // one pool on MySQL; on SQLite a single writer and many readers
	path        string         // of SQLite's file
	server      *driver.Config // of MySQL
	orm         *gorm.DB
	maxAttempts int
}

// Validate wants a DSN of a known kind.
func (c Config) Validate() error {
	kind, rest, _ := strings.Cut(c.DSN.Reveal(), ":")
	if (kind != "sqlite" && kind != "mysql") || rest == "" {
		return errors.New("SOUK_DATABASE_DSN must be sqlite:PATH or mysql:USER:PASSWORD@tcp(HOST:PORT)/NAME")
	}
	return nil
}

// Open connects and checks that the database answers.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	db, err := connect(cfg)
	if err != nil {
		return nil, err
	}
	db.maxAttempts = cfg.MaxAttempts
	if db.orm, err = openORM(db.dialect, db.read); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := db.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach the database: %w", err), db.Close())
	}
	return db, nil
}

func processors() int { return runtime.GOMAXPROCS(0) }

// Dialect tells which family of SQL the database speaks.
func (db *DB) Dialect() Dialect { return db.dialect }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.write.PingContext(ctx) }

// Close closes the connections; transactions still running fail.
func (db *DB) Close() error {
	if db.read == db.write {
		return db.write.Close()
	}
	return errors.Join(db.read.Close(), db.write.Close())
}

// ORM is GORM for reads outside a transaction. On SQLite it refuses to write.
// Never give Where, First, Order, Select, Table or Raw text that a user wrote.
func (db *DB) ORM(ctx context.Context) *gorm.DB { return db.orm.WithContext(ctx) }

// Query reads outside a transaction. The caller closes the rows.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := db.read.QueryContext(ctx, query, args...)
	return rows, translate(err)
}

// QueryRow reads one row outside a transaction.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return db.read.QueryRowContext(ctx, query, args...)
}

// Exec runs one statement as its own transaction, with InTx's retries.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (affected int64, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		affected, err = tx.Exec(ctx, query, args...)
		return err
	})
	return affected, err
}

// Micros is how a time is stored: UTC microseconds since 1970.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time is the inverse of Micros.
func Time(us int64) time.Time { return time.UnixMicro(us).UTC() }
