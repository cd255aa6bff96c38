package saga

import (
	"context"
	"log/slog"
	"time"

	"souk.example/pkg/database"
)

// changeTimeout bounds one transaction of the engine.
const changeTimeout = 30 * time.Second

// advance takes a saga one op further, if it is due still, and reports whether
// the next is due at once. An attempt that fails is taken down in a transaction
// of its own, unless somebody else has had the saga in hand meanwhile.
func (e *Engine) advance(ctx context.Context, id string) (again bool, err error) {
	var tried int64 // the version
	again, err = e.change(ctx, id, anyVersion, func(ctx context.Context, tx *database.Tx, c course) (attempt, error) {
		tried = c.in.Version
		return c.carryOut(ctx, tx)
	})
	if err == nil || tried == 0 {
		return again, err
	}
	cause := err
	return e.change(ctx, id, tried, func(_ context.Context, _ *database.Tx, c course) (attempt, error) {
		return c.failed(cause), nil
	})
}

const anyVersion = 0

// change runs fn on a saga that is due and still at a version, while nobody else
// may touch it. It goes on to its end when the engine is stopped.
func (e *Engine) change(ctx context.Context, id string, version int64, fn func(context.Context, *database.Tx, course) (attempt, error)) (again bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
	defer cancel()
	err = e.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		again = false
		in, err := lock(ctx, tx, id)
		if err != nil {
			return err
		}
		now, err := e.now(ctx, tx)
		if err != nil || !in.isDue(now) || (version != anyVersion && in.Version != version) {
			return err
		}
		made, err := fn(ctx, tx, course{e.defs[in.Type], e.cfg, in, now})
		if err != nil {
			return err
		}
		again = in.isDue(now)
		tx.OnCommit(func() { e.report(ctx, in.Saga, made) })
		return in.save(ctx, tx, now)
	})
	return again, err
}

// report counts what was made, and raises the alarm for a saga that is stuck.
func (e *Engine) report(ctx context.Context, s Saga, made attempt) {
	e.metrics.step(s.Type, made)
	log := e.logger.With(slog.String("saga", s.ID), slog.String("type", s.Type), slog.String("step", s.Step),
		slog.String("op", string(s.Op)), slog.String("error", s.LastError))
	switch {
	case s.Status == Completed || s.Status == Compensated:
		e.metrics.ended(s.Type, s.Status)
	case s.Status == Stuck:
		log.ErrorContext(ctx, "saga is stuck: it waits for an operator")
	case made.result == resultFailed:
		log.WarnContext(ctx, "saga step failed", slog.Int("attempts", s.Attempts))
	}
}
