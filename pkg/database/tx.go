package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"gorm.io/gorm"

	"souk.example/pkg/failpoint"
)

// Tx is one transaction. Not safe for concurrent use.
type Tx struct {
	sql      *sql.Tx
	dialect  Dialect
	orm      func() *gorm.DB // made on demand: hot paths do without
	onCommit []func()
}

// InTx runs fn in one transaction and commits it when fn returns nil. It runs
// fn again from the start, with a jittered pause, when the database rolled the
// transaction back for another's sake, the connection was lost before COMMIT or
// fn returned ErrStale, so fn must not keep state between runs and must return
// the errors of its statements, wrapped or not. A connection lost during COMMIT
// is ErrCommitUnknown. The functions given to OnCommit run once, after a
// successful commit; those of a run that failed never. A panic in fn is rolled
// back and becomes an error that no repetition cures; its text holds the stack.
//
// Do not nest: on SQLite the one writer would wait for itself.
func (db *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return db.repeat(ctx, func() error { return db.once(ctx, fn) })
}

// repeat runs work again for as long as its error says that it may succeed then.
// What work did before it failed is undone, except by the loss of a connection
// that was in no transaction: such work must be fit to be done twice.
func (db *DB) repeat(ctx context.Context, work func() error) error {
	for attempt := 1; ; attempt++ {
		err := work()
		again := wantsRerun(err) || (isConnectionLoss(err) && !errors.Is(err, ErrCommitUnknown))
		if !again || attempt >= db.maxAttempts {
			return err
		}
		if pauseErr := pause(ctx, attempt); pauseErr != nil {
			return errors.Join(pauseErr, err)
		}
	}
}

// pause waits 2 ms, doubling to at most 250 ms, half of it at random.
func pause(ctx context.Context, attempt int) error {
	limit := min(2*time.Millisecond<<min(attempt, 10), 250*time.Millisecond)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(limit/2 + rand.N(limit/2)):
		return nil
	}
}

func (db *DB) once(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	tx, err := db.begin(ctx, db.write, nil) // READ COMMITTED, as the connection has it; SQLite knows only serializable
	if err != nil {
		return err
	}
	defer func() { _ = tx.sql.Rollback() }() // a no-op after COMMIT
	if err := guarded(ctx, tx, fn); err != nil {
		return because(ctx, err)
	}
	failpoint.Hit("database-before-commit")
	if err := tx.commit(); err != nil {
		return because(ctx, err)
	}
	failpoint.Hit("database-after-commit")
	for _, f := range tx.onCommit {
		f()
	}
	return nil
}

// guarded runs fn and turns a panic into an error. What fn panicked with is not
// wrapped, lest it pass for an error of a statement.
func guarded(ctx context.Context, tx *Tx, fn func(ctx context.Context, tx *Tx) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("transaction panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return fn(ctx, tx)
}

// because tells why a transaction is done that nobody ended: database/sql rolls
// it back when its context ends, and says then only that it is done.
func because(ctx context.Context, err error) error {
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

func (db *DB) begin(ctx context.Context, pool *sql.DB, opts *sql.TxOptions) (*Tx, error) {
	t, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", translate(err))
	}
	return &Tx{sql: t, dialect: db.dialect, orm: func() *gorm.DB { return bind(ctx, db.orm, t) }}, nil
}

// bind has GORM run its statements in t.
func bind(ctx context.Context, orm *gorm.DB, t *sql.Tx) *gorm.DB {
	s := orm.Session(&gorm.Session{NewDB: true, Context: ctx})
	s.Statement.ConnPool = t
	return s
}

func (tx *Tx) commit() error {
	err := tx.sql.Commit()
	if err == nil {
		return nil
	}
	// database/sql reports the end of the context instead of sending COMMIT.
	if wantsRerun(err) || errors.Is(err, sql.ErrTxDone) || isContextEnd(err) {
		return fmt.Errorf("commit: %w", err)
	}
	return fmt.Errorf("commit: %w", errors.Join(ErrCommitUnknown, err))
}

// Snapshot runs fn once, on one consistent, read-only view of the database,
// which begins with fn's first statement.
func (db *DB) Snapshot(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	opts := &sql.TxOptions{ReadOnly: true}
	if db.dialect == MySQL {
		opts.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.begin(ctx, db.read, opts)
	if err != nil {
		return err
	}
	defer func() { _ = tx.sql.Rollback() }()
	return fn(ctx, tx)
}

// Exec runs one statement. On every dialect affected counts the rows found,
// changed or not.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (affected int64, err error) {
	res, err := tx.sql.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, translate(err)
	}
	return res.RowsAffected()
}

// Query reads within the transaction. Close the rows before the next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := tx.sql.QueryContext(ctx, query, args...)
	return rows, translate(err)
}

// QueryRow reads one row within the transaction.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.sql.QueryRowContext(ctx, query, args...)
}

// ORM is GORM on this transaction, under the context the transaction began with.
func (tx *Tx) ORM() *gorm.DB { return tx.orm() }

// Dialect tells which family of SQL the database speaks.
func (tx *Tx) Dialect() Dialect { return tx.dialect }

// ForUpdate ends a SELECT that must lock what it reads; SQLite's single writer
// has locked everything already.
func (tx *Tx) ForUpdate() string {
	if tx.dialect == MySQL {
		return " FOR UPDATE"
	}
	return ""
}

// OnCommit has f run once the transaction stands. f must not block.
func (tx *Tx) OnCommit(f func()) { tx.onCommit = append(tx.onCommit, f) }

// Now is the database's clock, to the microsecond (SQLite: millisecond), for
// leases and deadlines that several processes must agree on.
func (tx *Tx) Now(ctx context.Context) (time.Time, error) {
	query := "SELECT CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000"
	if tx.dialect == MySQL {
		query = "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"
	}
	var us int64
	if err := tx.QueryRow(ctx, query).Scan(&us); err != nil {
		return time.Time{}, fmt.Errorf("ask the database's clock: %w", err)
	}
	return Time(us), nil
}
