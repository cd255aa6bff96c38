package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/telemetry"
)

// Engine carries out the sagas of its definitions. Safe for concurrent use, in
// any number of processes. Make one with New.
type Engine struct {
	db      *database.DB
	cfg     Config
	defs    map[string]*Definition
	logger  *slog.Logger
	metrics *metrics
	now     func(context.Context, *database.Tx) (time.Time, error)
	wake    chan struct{}
}

// New returns an engine for sagas in db, which has the tables of Migrations; the
// transactions given to Start and Signal are of db. It leaves sagas of types that
// it does not know to others.
func New(db *database.DB, cfg Config, t *telemetry.Telemetry, defs ...Definition) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Engine{
		db: db, cfg: cfg.withDefaults(), defs: make(map[string]*Definition),
		logger: t.Logger, metrics: newMetrics(t.Registry),
		now:  func(ctx context.Context, tx *database.Tx) (time.Time, error) { return tx.Now(ctx) },
		wake: make(chan struct{}, 1),
	}
	for _, d := range defs {
		if err := d.validate(); err != nil {
			return nil, err
		}
		if e.defs[d.Type] != nil {
			return nil, fmt.Errorf("saga %s is defined twice", d.Type)
		}
		e.defs[d.Type] = &d
	}
	return e, nil
}

// Start has a saga begin once tx is committed. It reports whether it is a new
// one: a second start of the same id, whatever its type, changes nothing.
func (e *Engine) Start(ctx context.Context, tx *database.Tx, sagaType, id string, data []byte) (started bool, err error) {
	d := e.defs[sagaType]
	if d == nil || !isName(id) {
		return false, fmt.Errorf("start saga %q of type %q: no such type, or no id of at most 64 bytes", id, sagaType)
	}
	now, err := e.now(ctx, tx)
	if err != nil {
		return false, err
	}
	started, err = create(ctx, tx, Saga{
		ID: id, Type: sagaType, Step: d.Steps[0].Name, Op: Action, Status: Running, Version: 1,
		Due: atOnce, Data: data, StartedAt: now, UpdatedAt: now,
	})
	if err != nil {
		return false, fmt.Errorf("start saga %s: %w", id, err)
	}
	tx.OnCommit(e.lookNow)
	return started, nil
}

// Reply is what became of an op that a saga waits for.
type Reply struct {
	Saga    string
	Step    string
	Op      Op
	Refused string // why it was refused; empty: it is done
}

// Signal gives a saga the reply it waits for, and reports whether it goes on
// with it once tx is committed. It does not with a reply that comes again, or
// too late, or for a saga that does not exist, nor with a refusal where there is
// no way back: the step is then issued again after a pause. The saga's row is
// locked until tx ends.
func (e *Engine) Signal(ctx context.Context, tx *database.Tx, r Reply) (goesOn bool, err error) {
	in, err := lock(ctx, tx, r.Saga)
	if errors.Is(err, ErrNoSaga) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("signal saga %s: %w", r.Saga, err)
	}
	d := e.defs[in.Type]
	if d == nil {
		return false, fmt.Errorf("signal saga %s: no definition of type %s", r.Saga, in.Type)
	}
	if in.record(r.Step, r.Op).Status != StepIssued {
		return false, nil
	}
	now, err := e.now(ctx, tx)
	if err != nil {
		return false, err
	}
	goesOn = course{d, e.cfg, in, now}.answer(r)
	if err := in.save(ctx, tx, now); err != nil {
		return false, err
	}
	tx.OnCommit(func() {
		e.metrics.step(in.Type, attempt{r.Step, r.Op, r.result()})
		e.lookNow()
	})
	return goesOn, nil
}

func (r Reply) result() result {
	if r.Refused != "" {
		return resultRefused
	}
	return resultDone
}

// lookNow has Run look for what is due. It never blocks.
func (e *Engine) lookNow() {
	select {
	case e.wake <- struct{}{}:
	default: // it is about to
	}
}

// Run carries out what is due until ctx ends; then it finishes the step in hand
// and returns nil. A failure that lasts is logged once.
func (e *Engine) Run(ctx context.Context) error {
	poll := time.NewTicker(e.cfg.Poll)
	defer poll.Stop()
	failing := false
	for ctx.Err() == nil {
		err := e.Round(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			e.logger.Warn("saga engine cannot go on", slog.Any("error", err))
		}
		failing = err != nil
		select {
		case <-ctx.Done():
		case <-e.wake:
		case <-poll.C:
			e.count(ctx)
		}
	}
	return nil
}

// roundMax is how many sagas a round looks up at a time.
const roundMax = 100

// Round carries out what is due now, as far as it goes without waiting, and
// returns. Run does so again and again.
func (e *Engine) Round(ctx context.Context) error {
	for {
		ids, err := e.due(ctx)
		if err != nil {
			return err
		}
		var errs []error
		for _, id := range ids {
			for again := true; again && ctx.Err() == nil; {
				if again, err = e.advance(ctx, id); err != nil {
					errs = append(errs, err)
				}
			}
		}
		if len(ids) < roundMax || len(errs) > 0 || ctx.Err() != nil {
			return errors.Join(errs...)
		}
	}
}

// due looks up sagas that are due. Those who look at the same time find the
// same ones; the row's lock decides.
func (e *Engine) due(ctx context.Context) (ids []string, err error) {
	in, types := database.In(slices.Sorted(maps.Keys(e.defs)))
	query := "SELECT id FROM saga WHERE status = ? AND due <= ? AND type IN " + in + " ORDER BY due, id LIMIT ?"
	err = e.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := e.now(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, query, slices.Concat([]any{string(Running), database.Micros(now)}, types, []any{roundMax})...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	})
	return ids, err
}
