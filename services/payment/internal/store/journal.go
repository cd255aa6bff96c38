package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/services/payment/internal/payment"
)

// Outbox takes the events that a transaction emits into that transaction.
type Outbox interface {
	Append(ctx context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error
}

// Journal keeps what was decided and what the provider said, and tells of it.
// It implements payment.Calls, Journal and Watermark. Safe for
// concurrent use.
type Journal struct {
	db     *database.DB
	outbox Outbox
	bell   payment.Bell
	looks  atomic.Uint64 // for calls that are due
	traces traces
}

// NewJournal makes a Journal that emits through outbox and rings bell when
// there are calls to make.
func NewJournal(db *database.DB, outbox Outbox, bell payment.Bell) *Journal {
	return &Journal{db: db, outbox: outbox, bell: bell}
}

// Unit makes a unit of a transaction that somebody else commits, the inbox.
func (j *Journal) Unit(tx *database.Tx) payment.Unit { return unit{tx: tx, journal: j} }

// unit implements payment.Unit.
type unit struct {
	tx      *database.Tx
	journal *Journal
}

// maxRaces bounds how often a transaction is run again because others were
// faster each time.
const maxRaces = 100

// race runs fn in a transaction and, when others were faster, again.
func (j *Journal) race(ctx context.Context, fn func(ctx context.Context, tx *database.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := j.db.InTx(ctx, fn)
		lost := errors.Is(err, errOvertaken) || errors.Is(err, database.ErrDuplicate)
		if !lost || attempt == maxRaces {
			return err
		}
	}
}

// errOvertaken: a row is no longer what it was when it was decided on. The
// inbox takes it for what it is, something that passes.
var errOvertaken = fmt.Errorf("decided on what has changed meanwhile: %w", database.ErrLater)

// unchanged fails unless all rows still were what they were.
func unchanged(what string, n int64, err error, rows int) error {
	if err != nil {
		return fmt.Errorf("change %d %s: %w", rows, what, err)
	}
	if n != int64(rows) {
		return fmt.Errorf("%s: %d of %d: %w", what, n, rows, errOvertaken)
	}
	return nil
}
