package audit

import (
	"context"
	"fmt"
	"maps"
	"time"

	"souk.example/contracts"
)

const pollEvery = 100 * time.Millisecond

// NotSettledError says that something did not move on while the audit waited,
// so that differences between databases could not be judged.
type NotSettledError struct {
	What   string // what stands still, e.g. "order's outbox: 3 packs"
	Waited time.Duration
}

func (e *NotSettledError) Error() string {
	return fmt.Sprintf("could not check: %s still on its way after %s", e.What, e.Waited)
}

// group is a consumer group of one service.
type group struct {
	name   string
	topics []string
	db     querier // where its progress stands
}

// groups are the consumer groups of this version of the platform.
func (a *auditor) groups() []group {
	read := func(name string, db querier) group { return group{name, contracts.ReadBy(name), db} }
	return []group{
		read(contracts.GroupInventory, a.dbs.Inventory),
		read(contracts.GroupPayment, a.dbs.Payment),
		read(contracts.GroupPoints, a.dbs.Points),
		read(contracts.GroupOrder, a.dbs.Order),
		read(contracts.GroupOrderPrices, a.dbs.Order),
	}
}

func (a *auditor) outboxes() map[string]querier {
	return map[string]querier{"inventory": a.dbs.Inventory, "order": a.dbs.Order, "payment": a.dbs.Payment, "points": a.dbs.Points}
}

// settle waits until every outbox has published what it held when settle was
// called, and every group has passed the ends that the logs then had. It also
// records offsets that cannot be (invariant 7).
func (a *auditor) settle(ctx context.Context, f *findings) error {
	deadline := time.Now().Add(a.cfg.Wait)
	if err := a.drainOutboxes(ctx, deadline); err != nil {
		return err
	}
	ends, err := a.logEnds(ctx)
	if err != nil {
		return err
	}
	for _, g := range a.groups() {
		if err := a.checkOffsets(ctx, g, f); err != nil {
			return err
		}
		if err := a.catchUp(ctx, g, ends, deadline); err != nil {
			return err
		}
	}
	return nil
}

func (a *auditor) drainOutboxes(ctx context.Context, deadline time.Time) error {
	for service, db := range a.outboxes() {
		last, err := queryInt(ctx, db, "SELECT COALESCE(MAX(id), 0) FROM outbox")
		if err != nil {
			return err
		}
		query := fmt.Sprintf("SELECT COUNT(*) FROM outbox WHERE id <= %d", last)
		err = a.await(ctx, deadline, service+"'s outbox", func() (int64, error) { return queryInt(ctx, db, query) })
		if err != nil {
			return err
		}
	}
	return nil
}

// catchUp waits until the group has applied at least ends in every partition,
// by its own database: Kafka may never hear of the last record, because a group
// commits there only after it has applied something and such a commit may fail.
func (a *auditor) catchUp(ctx context.Context, g group, ends offsets, deadline time.Time) error {
	return a.await(ctx, deadline, "group "+g.name, func() (int64, error) {
		applied, err := progress(ctx, g)
		return ends.missing(applied, g.topics), err
	})
}

// await polls left, which counts what has yet to arrive, until it is 0.
func (a *auditor) await(ctx context.Context, deadline time.Time, what string, left func() (int64, error)) error {
	for {
		n, err := left()
		if err != nil || n == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return &NotSettledError{What: fmt.Sprintf("%s: %d", what, n), Waited: a.cfg.Wait}
		}
		a.cfg.Progress(fmt.Sprintf("waiting for %s: %d to go", what, n))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// open counts what is under way: orders and their returns, refunds they wait
// for, and what the provider has yet to answer.
func (a *auditor) open() map[string]querier {
	return map[string]querier{
		"SELECT COUNT(*) FROM orders WHERE status IN ('PENDING', 'RESERVED', 'PAID', 'RETURNING')": a.dbs.Order,
		"SELECT COUNT(*) FROM saga WHERE status IN ('RUNNING', 'STUCK')":                           a.dbs.Order,
		"SELECT COUNT(*) FROM orders WHERE refund_requested_at > 0 AND refunded_at = 0":            a.dbs.Order,
		"SELECT COUNT(*) FROM payment WHERE status IN ('PENDING', 'CALLING', 'UNKNOWN')":           a.dbs.Payment,
		"SELECT COUNT(*) FROM refund WHERE status <> 'REFUNDED'":                                   a.dbs.Payment,
	}
}

// stand is where everything was at one time.
type stand struct {
	quiet bool    // nothing was open and nothing on its way
	ends  offsets // of the logs
}

// same reports whether nothing has happened between two stands that is told of.
func (s stand) same(other stand) bool {
	return s.quiet && other.quiet && maps.EqualFunc(s.ends, other.ends, maps.Equal)
}

// rest tells where everything stands now.
func (a *auditor) rest(ctx context.Context) (s stand, err error) {
	if idle, err := a.idle(ctx); err != nil || !idle {
		return s, err
	}
	if s.ends, err = a.logEnds(ctx); err != nil {
		return s, err
	}
	for _, g := range a.groups() {
		applied, err := progress(ctx, g)
		if err != nil || s.ends.missing(applied, g.topics) > 0 {
			return s, err
		}
	}
	s.quiet = true
	return s, nil
}

// idle tells whether nothing is open and nothing to be published, now.
func (a *auditor) idle(ctx context.Context) (bool, error) {
	for query, db := range a.open() {
		if n, err := queryInt(ctx, db, query); err != nil || n > 0 {
			return false, err
		}
	}
	for _, db := range a.outboxes() {
		if waiting, err := queryInt(ctx, db, "SELECT COUNT(*) FROM outbox"); err != nil || waiting > 0 {
			return false, err
		}
	}
	return true, nil
}

func queryInt(ctx context.Context, q querier, query string) (n int64, err error) {
	err = each(ctx, q, query, []any{&n}, func() error { return nil })
	return n, err
}
