// Package audit checks, read-only and while souk runs, that nothing was
// oversold, lost or charged twice.
//
// It shares no code with the services it judges: it reads their databases by
// SQL, the events they logged, and the offsets their consumers stand at.
// There is one file per invariant.
//
// Each database is read in one consistent snapshot, so what a single database
// says against itself is a violation at once. The databases' snapshots are
// not taken at the same instant, so a difference between two of them is only a
// suspicion. It counts when it is there again in a second pass, made after
// every outbox and every consumer group has passed the end of the first: by
// then, whatever was on its way has arrived.
//
// The payment provider keeps a record of its own, which nothing of souk's can
// repair: it is read beside payment's, and the same rule applies.
package audit

import (
	"context"
	"time"

	"souk.example/pkg/database"
)

// Invariant names a promise of the platform.
type Invariant string

// The invariants, numbered as in the architecture's list.
const (
	Stock        Invariant = "1 stock"
	Reservations Invariant = "2 reservations"
	Captures     Invariant = "3 captures"
	Ledger       Invariant = "4 ledger"
	Decisions    Invariant = "5 decisions"
	Keys         Invariant = "6 idempotency keys"
	Events       Invariant = "7 events"
	Identity     Invariant = "8 ids"
)

// Databases are the services' databases, which the audit only reads.
type Databases struct {
	Inventory *database.DB
	Order     *database.DB
	Payment   *database.DB
	Points    *database.DB
}

// Broker is what the audit asks of Kafka. Offsets are those of the next record.
type Broker interface {
	// LogEnd returns the end of each partition of a topic.
	LogEnd(ctx context.Context, topic string) (map[int32]int64, error)
	// Committed returns a group's offsets by topic and partition; a partition
	// without a commit may be absent or negative.
	Committed(ctx context.Context, group string, topics ...string) (map[string]map[int32]int64, error)
}

// Config tunes an audit.
type Config struct {
	// Provider is the payment provider's own record. May be nil when no card was
	// ever charged.
	Provider Provider
	// Wait bounds the wait for outboxes and groups between the passes, and that
	// for the provider's word, which comes by webhook, or else within 30 s by
	// payment's own comparison. Default 60 s.
	Wait time.Duration
	// Progress is told what the audit is doing, in a few words. May be nil.
	Progress func(string)
}

func (c Config) withDefaults() Config {
	if c.Wait == 0 {
		c.Wait = time.Minute
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

// Report is the outcome of an audit.
type Report struct {
	Clean      bool        `json:"clean"`
	AtRest     bool        `json:"at_rest"` // nothing was open or on its way while Checked was counted
	Violations []Violation `json:"violations"`
	Parked     int         `json:"parked"` // messages set aside, waiting for an operator
	Stuck      int         `json:"stuck"`  // returns that wait for an operator
	Checked    Checked     `json:"checked"`
}

// Checked counts what was looked at.
type Checked struct {
	Orders   int `json:"orders"`
	Stock    int `json:"stock"`
	Payments int `json:"payments"`
	Charges  int `json:"charges"` // that succeeded, by the provider's record
	Points   int `json:"points"`
	Events   int `json:"events"`
}

// Run audits once. A non-nil error means that not everything could be checked;
// the report then holds the violations that are certain nevertheless.
func Run(ctx context.Context, dbs Databases, broker Broker, cfg Config) (Report, error) {
	a := auditor{dbs: dbs, broker: broker, cfg: cfg.withDefaults()}
	before, _ := a.rest(ctx) // whoever cannot be asked is met again
	a.cfg.Progress("reading every order")
	report, err := a.read(ctx)
	if err != nil {
		return report, err
	}
	now, err := a.rest(ctx)
	if report.AtRest = now.same(before); err != nil || !now.quiet || report.AtRest || !report.Clean {
		return report, err
	}
	a.cfg.Progress("reading again what has come to rest")
	if report, err = a.read(ctx); err != nil {
		return report, err
	}
	last, err := a.rest(ctx)
	report.AtRest = last.quiet && last.same(now)
	return report, err
}

// read goes through everything once, and again through what differs.
func (a *auditor) read(ctx context.Context) (Report, error) {
	first, err := a.pass(ctx, withinEach, betweenDatabases, a.betweenProvider)
	if err != nil {
		return first.report(), err
	}
	a.cfg.Progress("waiting for what is on its way")
	if err := a.settle(ctx, first); err != nil {
		return first.report(), err
	}
	err = a.reconsider(ctx, first)
	return first.report(), err
}

// reconsider makes violations of the differences that are there again. While
// the provider's word might clear one, it goes on comparing.
func (a *auditor) reconsider(ctx context.Context, first *findings) error {
	deadline := time.Now().Add(a.cfg.Wait)
	for len(first.suspects) > 0 {
		a.cfg.Progress("reading again what differed")
		later, err := a.pass(ctx, betweenDatabases, a.betweenProvider)
		if err != nil {
			return err
		}
		first.keep(later)
		left := time.Until(deadline)
		if len(first.unheard) == 0 || left <= 0 {
			break
		}
		a.cfg.Progress("waiting for the payment provider's word")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(left, hearEvery)):
		}
	}
	first.confirm()
	return nil
}

// auditor is one audit under way.
type auditor struct {
	dbs    Databases
	broker Broker
	cfg    Config
}
