package waitlist

import (
	"context"
	"errors"
	"fmt"

	"souk.example/pkg/database"
)

// lease is the right to watch. It belongs to one process at a time, and passes
// on when its time is over by the database's clock.
type lease struct {
	epoch  int64 // up by one whenever it passes on
	walked int64 // the last row that was walked past
}

var (
	errLeased    = errors.New("another process watches")
	errLeaseLost = errors.New("the lease of the watch was lost")
)

// acquire takes the lease, by compare-and-set on the epoch; errLeased when
// another has it.
func (w *Watcher) acquire(ctx context.Context) (l lease, err error) {
	if err := w.db.Snapshot(ctx, free); err != nil {
		return lease{}, err // waiting costs no write
	}
	err = w.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		l, err = w.take(ctx, tx)
		return err
	})
	return l, err
}

// free is errLeased while the lease is somebody's.
func free(ctx context.Context, tx *database.Tx) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	var until int64
	if err := tx.QueryRow(ctx, "SELECT until FROM watch WHERE id = 1").Scan(&until); err != nil {
		return fmt.Errorf("read the lease: %w", err)
	}
	if until > database.Micros(now) {
		return errLeased
	}
	return nil
}

func (w *Watcher) take(ctx context.Context, tx *database.Tx) (l lease, err error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return l, err
	}
	n, err := tx.Exec(ctx, "UPDATE watch SET owner = ?, epoch = epoch + 1, until = ? WHERE id = 1 AND until <= ?",
		w.cfg.Owner, database.Micros(now.Add(w.cfg.LeaseTTL)), database.Micros(now))
	if err != nil {
		return l, fmt.Errorf("take the lease: %w", err)
	}
	if n == 0 {
		return l, errLeased
	}
	if err := tx.QueryRow(ctx, "SELECT epoch, walked FROM watch WHERE id = 1").Scan(&l.epoch, &l.walked); err != nil {
		return l, fmt.Errorf("read the lease: %w", err)
	}
	return l, nil
}

// release lets others have the lease at once. It does nothing to a lease that
// was lost.
func (w *Watcher) release(ctx context.Context, l lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.LeaseTTL)
	defer cancel()
	if _, err := w.db.Exec(ctx, "UPDATE watch SET until = 0 WHERE id = 1 AND epoch = ?", l.epoch); err != nil {
		w.log.WarnContext(ctx, "watch not given back", "error", err)
	}
}

// inLease runs fn in a transaction under the lease, which it renews;
// errLeaseLost when another has taken it, and then nothing of fn stands. The
// renewal comes first: it locks the lease's row, so that the lease cannot pass
// on before this transaction ends.
func (w *Watcher) inLease(ctx context.Context, l lease, fn func(ctx context.Context, tx *database.Tx) error) error {
	return w.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE watch SET until = ? WHERE id = 1 AND epoch = ?", database.Micros(now.Add(w.cfg.LeaseTTL)), l.epoch)
		if err != nil {
			return fmt.Errorf("renew the lease: %w", err)
		}
		if n == 0 {
			return errLeaseLost
		}
		return fn(ctx, tx)
	})
}

func (w *Watcher) renew(ctx context.Context, l lease) error {
	return w.inLease(ctx, l, func(context.Context, *database.Tx) error { return nil })
}

// advance notes how far the walk has come.
func advance(ctx context.Context, tx *database.Tx, walked int64) error {
	if _, err := tx.Exec(ctx, "UPDATE watch SET walked = ? WHERE id = 1", walked); err != nil {
		return fmt.Errorf("note the walk: %w", err)
	}
	return nil
}
