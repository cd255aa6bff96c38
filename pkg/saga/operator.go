package saga

import (
	"context"
	"errors"
	"strings"
	"time"

	"souk.example/pkg/database"
)

var (
	// ErrNoSaga: there is no saga with this id.
	ErrNoSaga = errors.New("no such saga")
	// ErrNotStuck: the saga waits for nobody.
	ErrNotStuck = errors.New("the saga is not stuck")
	// ErrChanged: the saga is not at the version any more that the operator saw.
	ErrChanged = errors.New("the saga has changed meanwhile")
	// ErrNoReason: a skip must say why.
	ErrNoReason = errors.New("a skip needs a reason")
)

// Filter selects sagas; zero fields select all.
type Filter struct {
	Type   string
	Status Status // none: Running and Stuck
	Limit  int    // none: 100
}

// Operator is an operator's view of the sagas in one database. What it changes
// is carried out by the processes that run the engine, when they poll next; it
// carries out nothing itself, and so needs no definitions. Safe for concurrent
// use.
type Operator struct{ db *database.DB }

// NewOperator returns the view of db, which has the tables of Migrations.
func NewOperator(db *database.DB) *Operator { return &Operator{db: db} }

// List returns the sagas that f selects, those that changed longest ago first,
// without their Data.
func (o *Operator) List(ctx context.Context, f Filter) (sagas []Saga, err error) {
	where, args := f.where()
	rows, err := o.db.Query(ctx, selectSaga+" FROM saga WHERE "+where+" ORDER BY updated_at, id LIMIT ?", args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		s, err := scanSaga(rows)
		if err != nil {
			return nil, err
		}
		sagas = append(sagas, s)
	}
	return sagas, rows.Err()
}

func (f Filter) where() (sql string, args []any) {
	sql, args = "status IN (?, ?)", []any{string(Running), string(Stuck)}
	if f.Status != "" {
		sql, args = "status = ?", []any{string(f.Status)}
	}
	if f.Type != "" {
		sql, args = sql+" AND type = ?", append(args, f.Type)
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	return sql, append(args, f.Limit)
}

// Show returns a saga and what became of each op it has begun, in their order.
// It fails with ErrNoSaga.
func (o *Operator) Show(ctx context.Context, id string) (s Saga, records []StepRecord, err error) {
	err = o.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		if s, err = readSaga(ctx, tx, id, ""); err != nil {
			return err
		}
		records, err = readRecords(ctx, tx, id)
		return err
	})
	return s, records, err
}

// Retry has a saga that is stuck go on with the op in hand, with all its
// attempts. Version is the one that the operator saw. It fails with ErrNoSaga,
// ErrNotStuck or ErrChanged.
func (o *Operator) Retry(ctx context.Context, id string, version int64) error {
	return o.release(ctx, id, version, func(in *instance, _ time.Time) { in.Attempts = 0 })
}

// Skip has a saga that is stuck go on as if the op in hand were done, because
// somebody has seen to it by hand; the reason is kept with the step. It fails
// with ErrNoReason, ErrNoSaga, ErrNotStuck or ErrChanged.
func (o *Operator) Skip(ctx context.Context, id string, version int64, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return ErrNoReason
	}
	return o.release(ctx, id, version, func(in *instance, now time.Time) {
		in.note(in.Step, in.Op, StepSkipped, reason, now)
	})
}

// release makes a saga that is stuck run again after fn.
func (o *Operator) release(ctx context.Context, id string, version int64, fn func(*instance, time.Time)) error {
	return o.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		in, err := lock(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case in.Version != version:
			return ErrChanged
		case in.Status != Stuck:
			return ErrNotStuck
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		in.Status, in.Due = Running, atOnce
		fn(in, now)
		return in.save(ctx, tx, now)
	})
}
