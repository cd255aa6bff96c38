package idgen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"souk.example/pkg/database"
)

type inSQL struct{ db *database.DB }

// InSQL keeps leases in a database that has the tables of Migrations. They
// survive what the database survives.
func InSQL(db *database.DB) Leases { return inSQL{db} }

// candidate is a worker number that may be taken, as it stands in the table.
type candidate struct {
	worker    int
	known     bool // has a row
	epoch     int64
	highWater int64
}

func (s inSQL) Take(ctx context.Context, first, end int, owner string, ttl time.Duration) (got Grant, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		free, err := pick(ctx, tx, first, end, database.Micros(now))
		if err != nil {
			return err
		}
		got = Grant{
			Worker: free.worker, Term: free.epoch + 1,
			After: free.highWater, HighWater: max(now.UnixMilli(), free.highWater) + ttl.Milliseconds(), Now: now,
		}
		return take(ctx, tx, free, got, owner, database.Micros(now.Add(ttl)))
	})
	return got, err
}

// pick finds a number that is free at now: the lowest that has no row, else
// the one that has been free for longest.
func pick(ctx context.Context, tx *database.Tx, first, end int, now int64) (candidate, error) {
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
	return candidate{}, ErrNoneFree
}

// take writes the lease that was made for c, unless another took it first.
func take(ctx context.Context, tx *database.Tx, c candidate, g Grant, owner string, until int64) error {
	if !c.known {
		err := tx.Insert(ctx, "worker_lease", []string{"worker", "owner", "epoch", "until", "high_water"},
			[][]any{{c.worker, owner, g.Term, until, g.HighWater}})
		if errors.Is(err, database.ErrDuplicate) {
			err = ErrTaken
		}
		return err
	}
	n, err := tx.Exec(ctx, "UPDATE worker_lease SET owner = ?, epoch = ?, until = ?, high_water = ? WHERE worker = ? AND epoch = ?",
		owner, g.Term, until, g.HighWater, c.worker, c.epoch)
	if err == nil && n == 0 {
		err = ErrTaken
	}
	return err
}

func (s inSQL) Extend(ctx context.Context, held Grant, ttl time.Duration) (Grant, error) {
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		if held.Now, err = tx.Now(ctx); err != nil {
			return err
		}
		held.HighWater = max(held.HighWater, held.Now.Add(ttl).UnixMilli())
		n, err := tx.Exec(ctx, "UPDATE worker_lease SET until = ?, high_water = ? WHERE worker = ? AND epoch = ?",
			database.Micros(held.Now.Add(ttl)), held.HighWater, held.Worker, held.Term)
		if err == nil && n == 0 {
			err = ErrTaken
		}
		return err
	})
	return held, err
}

func (s inSQL) Free(ctx context.Context, held Grant, used int64) error {
	_, err := s.db.Exec(ctx, "UPDATE worker_lease SET until = 0, high_water = ? WHERE worker = ? AND epoch = ?", used, held.Worker, held.Term)
	if err != nil {
		return fmt.Errorf("free worker %d: %w", held.Worker, err)
	}
	return nil
}
