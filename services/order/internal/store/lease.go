package store

import (
	"context"
	"fmt"
	"time"

	"souk.example/pkg/database"
	"souk.example/services/order/internal/order"
)

// Acquire implements order.Leases, by compare-and-set on the epoch.
func (s *Store) Acquire(ctx context.Context, owner string, ttl time.Duration) (l order.Lease, err error) {
	if err := s.db.Snapshot(ctx, free); err != nil {
		return order.Lease{}, err // waiting costs no write
	}
	err = s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		l, err = take(ctx, tx, owner, ttl)
		return err
	})
	return l, err
}

// free is order.ErrLeased while the lease is somebody's.
func free(ctx context.Context, tx *database.Tx) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	var until int64
	if err := tx.QueryRow(ctx, "SELECT until FROM deadline_watch WHERE id = 1").Scan(&until); err != nil {
		return fmt.Errorf("read the lease: %w", err)
	}
	if until > database.Micros(now) {
		return order.ErrLeased
	}
	return nil
}

func take(ctx context.Context, tx *database.Tx, owner string, ttl time.Duration) (order.Lease, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return order.Lease{}, err
	}
	n, err := tx.Exec(ctx, "UPDATE deadline_watch SET owner = ?, epoch = epoch + 1, until = ? WHERE id = 1 AND until <= ?",
		owner, database.Micros(now.Add(ttl)), database.Micros(now))
	if err != nil {
		return order.Lease{}, fmt.Errorf("take the lease: %w", err)
	}
	if n == 0 {
		return order.Lease{}, order.ErrLeased
	}
	l := order.Lease{Owner: owner}
	if err := tx.QueryRow(ctx, "SELECT epoch, walked FROM deadline_watch WHERE id = 1").Scan(&l.Epoch, &l.Walked); err != nil {
		return order.Lease{}, fmt.Errorf("read the lease: %w", err)
	}
	return l, nil
}

// Release implements order.Leases.
func (s *Store) Release(ctx context.Context, l order.Lease) error {
	_, err := s.db.Exec(ctx, "UPDATE deadline_watch SET until = 0 WHERE id = 1 AND epoch = ?", l.Epoch)
	if err != nil {
		return fmt.Errorf("release the lease: %w", err)
	}
	return nil
}

// InLease implements order.Leases. The renewal comes first: it locks the
// lease's row, so that the lease cannot pass on before this transaction ends.
func (s *Store) InLease(ctx context.Context, l order.Lease, ttl time.Duration, fn func(ctx context.Context, u order.WatchUnit) error) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE deadline_watch SET until = ? WHERE id = 1 AND epoch = ?", database.Micros(now.Add(ttl)), l.Epoch)
		if err != nil {
			return fmt.Errorf("renew the lease: %w", err)
		}
		if n == 0 {
			return order.ErrLeaseLost
		}
		return fn(ctx, unit{tx: tx, outbox: s.outbox})
	})
}
