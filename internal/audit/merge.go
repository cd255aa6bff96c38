package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// cursor streams rows in order of their order id, one at a time, so that a
// million orders never stand in memory together.
type cursor[T any] struct {
	rows *sql.Rows
	row  T
	id   func(*T) int64
	into func(*T) []any
	live bool // row holds one
	done bool // that one was returned by seek
}

// open starts a stream; the query must be ordered by order id. Close follows.
func open[T any](ctx context.Context, q querier, query string, id func(*T) int64, into func(*T) []any) (*cursor[T], error) {
	rows, err := q.Query(ctx, query) //nolint:rowserrcheck,sqlclosecheck // the cursor keeps them: advance asks for Err, close closes
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	c := &cursor[T]{rows: rows, id: id, into: into}
	if err := c.advance(); err != nil {
		return nil, errors.Join(err, c.rows.Close())
	}
	return c, nil
}

func (c *cursor[T]) advance() error {
	c.done = false
	if c.live = c.rows.Next(); !c.live {
		return c.rows.Err()
	}
	return c.rows.Scan(c.into(&c.row)...)
}

// seek passes the rows before order to skipped and returns order's own row, or
// nil when there is none. The row is valid until the next call.
func (c *cursor[T]) seek(order int64, skipped func(*T)) (*T, error) {
	if err := c.pass(func() bool { return c.id(&c.row) < order }, skipped); err != nil {
		return nil, err
	}
	if c.live && c.id(&c.row) == order {
		c.done = true
		return &c.row, nil
	}
	return nil, nil
}

// rest passes all remaining rows to skipped.
func (c *cursor[T]) rest(skipped func(*T)) error {
	return c.pass(func() bool { return true }, skipped)
}

// pass goes on while the condition holds, and hands what seek had not returned
// to skipped.
func (c *cursor[T]) pass(while func() bool, skipped func(*T)) error {
	for c.live && while() {
		if !c.done {
			skipped(&c.row)
		}
		if err := c.advance(); err != nil {
			return err
		}
	}
	return nil
}

func (c *cursor[T]) close() { _ = c.rows.Close() }
