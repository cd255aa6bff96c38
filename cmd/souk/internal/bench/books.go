package bench

import (
	"context"
	"fmt"
	"time"

	"souk.example/pkg/database"
)

const drainPoll = 500 * time.Millisecond

// books is what the order database says about the run.
type books struct {
	completed []time.Time     // in the window
	created   int             // in the window
	intakes   map[int64]bool  // their times: the orders of one transaction have the same
	took      []time.Duration // from created_at to completed_at, of orders created in the window
	missing   int             // acknowledged, but not there
	open      int             // not at rest after draining
	otherwise map[string]int  // at rest, but not COMPLETED, by status and reason
	drained   time.Duration   // from the end of the load until every order was at rest
}

func newBooks() books {
	return books{intakes: make(map[int64]bool), otherwise: make(map[string]int)}
}

// readBooks waits until the run's orders are at rest, or for drainWait, and
// reads them all.
func (r run) readBooks(ctx context.Context, m measurement) (books, error) {
	b := newBooks()
	acked := make(map[int64]bool, len(m.load.Samples))
	for _, s := range m.load.Samples {
		acked[s.ID] = true
	}
	if len(acked) == 0 {
		return b, nil
	}
	low, high := span(acked)
	if err := r.drain(ctx, low, high, &b); err != nil {
		return b, err
	}
	err := r.eachOrder(ctx, low, high, func(o orderRow) {
		delete(acked, o.id)
		b.add(o, m.opened.At, m.ended.At)
	})
	b.missing = len(acked)
	return b, err
}

// span is the lowest and the highest id. Ids grow with time, so a range of them
// holds the run's orders and few others.
func span(ids map[int64]bool) (low, high int64) {
	first := true
	for id := range ids {
		if first {
			low, high, first = id, id, false
		}
		low, high = min(low, id), max(high, id)
	}
	return low, high
}

func (r run) drain(ctx context.Context, low, high int64, b *books) error {
	began := time.Now()
	for {
		var open int
		row := r.stack.Order.QueryRow(ctx,
			"SELECT COUNT(*) FROM orders WHERE id BETWEEN ? AND ? AND status IN ('PENDING', 'RESERVED', 'PAID')", low, high)
		if err := row.Scan(&open); err != nil {
			return err
		}
		b.drained = time.Since(began)
		if open == 0 || b.drained > drainWait {
			return nil
		}
		r.say("waiting for %d orders under way", open)
		if err := pause(ctx, drainPoll); err != nil {
			return err
		}
	}
}

// orderRow is what the bench reads of an order. Times are those of the order
// service's clock; one that is zero has not come.
type orderRow struct {
	id                 int64
	status, reason     string
	created, completed time.Time
}

func (r run) eachOrder(ctx context.Context, low, high int64, visit func(orderRow)) error {
	rows, err := r.stack.Order.Query(ctx,
		"SELECT id, status, reason, created_at, completed_at FROM orders WHERE id BETWEEN ? AND ? AND idem_key LIKE ?",
		low, high, r.id+"%")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var o orderRow
		var created, completed int64
		if err := rows.Scan(&o.id, &o.status, &o.reason, &created, &completed); err != nil {
			return err
		}
		o.created, o.completed = database.Time(created), database.Time(completed)
		visit(o)
	}
	return rows.Err()
}

// add counts an order of a run whose window goes from opened to ended.
func (b *books) add(o orderRow, opened, ended time.Time) {
	if within(o.created, opened, ended) {
		b.created++
		b.intakes[o.created.UnixMicro()] = true
	}
	switch o.status {
	case "COMPLETED":
		if within(o.completed, opened, ended) {
			b.completed = append(b.completed, o.completed)
		}
		if within(o.created, opened, ended) {
			b.took = append(b.took, o.completed.Sub(o.created))
		}
	case "PENDING", "RESERVED", "PAID":
		b.open++
	default:
		b.otherwise[fmt.Sprint(o.status, " ", o.reason)]++
	}
}

func within(t, from, to time.Time) bool { return !t.Before(from) && t.Before(to) }
