package database

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	_ "modernc.org/sqlite" // registers the driver "sqlite", which needs no C compiler
)

func connect(cfg Config) (*DB, error) {
	kind, rest, _ := strings.Cut(cfg.DSN.Reveal(), ":")
	switch kind {
	case "sqlite":
		return connectSQLite(rest, cfg)
	case "mysql":
		return connectMySQL(rest, cfg)
	}
	return nil, errors.New("SOUK_DATABASE_DSN must begin with sqlite: or mysql:")
}

// connectSQLite opens one writer, because SQLite has one, and readers beside
// it, which WAL lets read on. synchronous NORMAL survives the death of the
// process, not of the machine: the embedded mode's promise.
func connectSQLite(path string, cfg Config) (*DB, error) {
	dsn := func(txlock string) string {
		q := url.Values{"_txlock": {txlock}}
		for _, pragma := range []string{
			fmt.Sprintf("busy_timeout(%d)", cfg.BusyTimeout.Milliseconds()),
			"journal_mode(WAL)", "synchronous(NORMAL)", "cache_size(-16000)", "temp_store(MEMORY)",
		} {
			q.Add("_pragma", pragma)
		}
		return "file:" + path + "?" + q.Encode()
	}
	write, err := sql.Open("sqlite", dsn("immediate"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", dsn("deferred"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	readers := cfg.MaxOpen
	if readers == 0 {
		readers = max(2, processors())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &DB{dialect: SQLite, write: write, read: read}, nil
}

func connectMySQL(dsn string, cfg Config) (*DB, error) {
	c, err := driver.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("SOUK_DATABASE_DSN is not a valid mysql DSN") // the text holds the password
	}
	c.InterpolateParams = true // one round trip per statement
	c.MultiStatements = false
	c.ClientFoundRows = true // an UPDATE that changes nothing still counts the row it found
	c.RejectReadOnly = true
	c.Collation = "utf8mb4_bin"
	c.Loc = time.UTC
	c.Logger = &driver.NopLogger{}
	connector, err := driver.NewConnector(c)
	if err != nil {
		return nil, errors.New("SOUK_DATABASE_DSN is not a valid mysql DSN")
	}
	pool := sql.OpenDB(connector)
	size := cfg.MaxOpen
	if size == 0 {
		size = 8 * processors()
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return &DB{dialect: MySQL, write: pool, read: pool}, nil
}

func openORM(d Dialect, pool gorm.ConnPool) (*gorm.DB, error) {
	var dialector gorm.Dialector = &gormsqlite.Dialector{DriverName: "sqlite", Conn: pool}
	if d == MySQL {
		dialector = gormmysql.New(gormmysql.Config{Conn: pool, SkipInitializeWithVersion: true})
	}
	return gorm.Open(dialector, &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard, // it would print values
	})
}
