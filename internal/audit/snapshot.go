package audit

import (
	"context"
	"database/sql"
	"fmt"

	"souk.example/pkg/database"
)

// snapshots are all databases as they were at about one moment. Each has one
// connection, so at most one cursor per database may be open at a time.
type snapshots struct{ inventory, order, payment, points *database.Tx }

// check looks at the snapshots and records what it finds.
type check func(ctx context.Context, s snapshots, f *findings) error

// pass runs the checks on one set of snapshots. The findings are not nil even
// on error.
//
// Order's snapshot comes last: what the others know of an order has its cause
// in order's database, so there an order seen elsewhere must be found.
func (a *auditor) pass(ctx context.Context, checks ...check) (*findings, error) {
	f := newFindings()
	var s snapshots
	err := inSnapshots(ctx, []opening{
		{a.dbs.Points, &s.points}, {a.dbs.Payment, &s.payment}, {a.dbs.Inventory, &s.inventory}, {a.dbs.Order, &s.order},
	}, func(ctx context.Context) error {
		for _, c := range append([]check{readParked, readClock}, checks...) {
			if err := c(ctx, s, f); err != nil {
				return err
			}
		}
		return nil
	})
	return f, err
}

// opening is a snapshot to open and where to put it.
type opening struct {
	db *database.DB
	tx **database.Tx
}

// inSnapshots runs fn while all the openings are open.
func inSnapshots(ctx context.Context, openings []opening, fn func(ctx context.Context) error) error {
	if len(openings) == 0 {
		return fn(ctx)
	}
	next := openings[0]
	return next.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		*next.tx = tx
		return inSnapshots(ctx, openings[1:], fn)
	})
}

// querier is a database or a snapshot of one.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls row for every row of the query, after scanning it into into.
func each(ctx context.Context, q querier, query string, into []any, row func() error) error {
	rows, err := q.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		if err := row(); err != nil {
			return err
		}
	}
	return rows.Err()
}
