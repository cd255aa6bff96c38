package idgen

import (
	"context"
	"errors"
	"fmt"

	"souk.example/pkg/database"
)

// pick finds a number of this datacenter that is free at now: the lowest that
// has no row, else the one that has been free for longest.
func (w *Worker) pick(ctx context.Context, tx *database.Tx, now int64) (candidate, error) {
	first := w.cfg.Datacenter << w.cfg.WorkerBits
	end := first + 1<<w.cfg.WorkerBits
	rows, err := tx.Query(ctx, "SELECT worker, epoch, until, high_water FROM worker_lease WHERE worker >= ? AND worker < ? ORDER BY worker", first, end)
	if err != nil {
		return candidate{}, err
	}
	defer func() { _ = rows.Close() }()
	unused, freed, oldest := first, candidate{worker: -1}, now+1
	for rows.Next() {
		c, until := candidate{known: true}, int64(0)
		if err := rows.Scan(&c.worker, &c.epoch, &until, &c.highWater); err != nil {
			return candidate{}, err
		}
		if c.worker == unused {
			unused++
		}
		if until <= now && until < oldest {
			freed, oldest = c, until
		}
	}
	switch {
	case rows.Err() != nil:
		return candidate{}, rows.Err()
	case unused < end:
		return candidate{worker: unused}, nil
	case freed.known:
		return freed, nil
	}
	return candidate{}, errNoneFree
}

// take writes the lease that was made for c, unless another took it first.
func (w *Worker) take(ctx context.Context, tx *database.Tx, c candidate, l *lease) error {
	until := database.Micros(l.base.Add(l.ttl))
	if !c.known {
		err := tx.Insert(ctx, "worker_lease", []string{"worker", "owner", "epoch", "until", "high_water"},
			[][]any{{c.worker, w.cfg.Owner, l.epoch, until, highWater(l.ceiling)}})
		if errors.Is(err, database.ErrDuplicate) {
			err = errTaken
		}
		return err
	}
	n, err := tx.Exec(ctx, "UPDATE worker_lease SET owner = ?, epoch = ?, until = ?, high_water = ? WHERE worker = ? AND epoch = ?",
		w.cfg.Owner, l.epoch, until, highWater(l.ceiling), c.worker, c.epoch)
	if err == nil && n == 0 {
		err = errTaken
	}
	return err
}

// extend renews l until the returned lease ends, if it is still the newest of
// its number. A lease that has ended but that nobody took may be renewed.
func (w *Worker) extend(ctx context.Context, l *lease) (*lease, error) {
	next := *l
	err := w.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		next.anchor = w.cfg.now()
		if next.base, err = tx.Now(ctx); err != nil {
			return err
		}
		next.ceiling = max(l.ceiling, w.ceiling(next.base, l.last.Load()))
		n, err := tx.Exec(ctx, "UPDATE worker_lease SET until = ?, high_water = ? WHERE worker = ? AND epoch = ?",
			database.Micros(next.base.Add(l.ttl)), highWater(next.ceiling), l.machine, l.epoch)
		if err == nil && n == 0 {
			err = errTaken
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("renew worker %d: %w", l.machine, err)
	}
	return &next, nil
}

// free ends l at once and lowers its mark to what was used, so that the number
// can be taken again without waiting and without running ahead of the clock.
func (w *Worker) free(ctx context.Context, l *lease) error {
	used := max(highWater(l.seal()), highWater(l.floor)-1)
	_, err := w.db.Exec(ctx, "UPDATE worker_lease SET until = 0, high_water = ? WHERE worker = ? AND epoch = ?", used, l.machine, l.epoch)
	if err != nil {
		return fmt.Errorf("release worker %d: %w", l.machine, err)
	}
	return nil
}
