package database

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite" // registers the driver "sqlite", which needs no C compiler
)

func connect(cfg Config) (*DB, error) {
	kind, rest, _ := strings.Cut(cfg.DSN.Reveal(), ":")
	if kind == "sqlite" {
		return connectSQLite(rest, cfg)
	}
	return connectMySQL(rest, cfg)
}

// defaultPool is how many connections a database gets, SQLite for reading.
func defaultPool(dsn string) int {
	if strings.HasPrefix(dsn, "sqlite:") {
		return max(2, processors())
	}
	return min(maxDefaultPool, 8*processors())
}

// connectSQLite opens one writer, because SQLite has one, and readers beside
// it, which WAL lets read on. synchronous NORMAL survives the death of the
// process, not of the machine: the embedded mode's promise.
func connectSQLite(path string, cfg Config) (*DB, error) {
	write, err := sql.Open("sqlite", sqliteDSN(path, cfg.BusyTimeout, "immediate", "journal_mode(WAL)", "synchronous(NORMAL)"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", sqliteDSN(path, cfg.BusyTimeout, "deferred", "query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(cfg.MaxOpen)
	read.SetMaxIdleConns(cfg.MaxOpen)
	return &DB{dialect: SQLite, write: write, read: read, path: path}, nil
}

// sqliteDSN names the file with the settings every connection begins with.
func sqliteDSN(path string, busy time.Duration, txlock string, pragmas ...string) string {
	q := url.Values{"_txlock": {txlock}}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()))
	q.Add("_pragma", "cache_size(-16000)")
	for _, pragma := range pragmas {
		q.Add("_pragma", pragma)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// sessionModes refuses values that do not fit instead of storing others.
const sessionModes = "'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"

// maxDefaultPool keeps many processes on a large machine within a server's
// usual number of connections.
const maxDefaultPool = 16

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
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, cfg.ReadTimeout)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params["sql_mode"] = sessionModes
	c.Params["max_error_count"] = "65535" // InsertIgnore reads every warning
	c.Params["innodb_lock_wait_timeout"] = strconv.Itoa(int(max(1, c.ReadTimeout.Seconds()/2)))
	made, err := driver.NewConnector(c)
	if err != nil {
		return nil, errors.New("SOUK_DATABASE_DSN is not a valid mysql DSN")
	}
	pool := sql.OpenDB(connector{made})
	pool.SetMaxOpenConns(cfg.MaxOpen)
	pool.SetMaxIdleConns(cfg.MaxOpen)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return &DB{dialect: MySQL, write: pool, read: pool, server: c}, nil
}
