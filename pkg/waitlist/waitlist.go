// Package waitlist finds the few rows of a table that have waited too long,
// and has one process at a time see to them.
//
// A [Watcher] walks along a time-ordered primary key (package idgen), past
// every row once, when no row that old can still appear; a row that waits there
// is listed by when somebody should look at it. Rows that the walk would meet
// too late, or never, are listed by the transaction that writes them: see
// [Enlist] and [Late]. So a look reads the list's due end and nothing else,
// however many rows wait, and nothing at all is written while none does.
//
// A service's schema has two tables for it, and in the second one row, of id 1
// with an empty owner and noughts. Times are UTC microseconds of the database's
// clock.
//
//	CREATE TABLE straggler (order_id BIGINT, why VARCHAR(16), due BIGINT, PRIMARY KEY (order_id, why));
//	CREATE INDEX straggler_by_due ON straggler (why, due);
//	CREATE TABLE watch (id INT PRIMARY KEY, owner VARCHAR(128), epoch BIGINT, until BIGINT, walked BIGINT);
package waitlist

import (
	"context"
	"fmt"
	"slices"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/idgen"
)

// The walk and those who insert rows share two facts. The walk passes an id
// only ripeAge after the id was made; and a transaction that inserts a row
// commits within MaxCommit after it asked the database for the time, or not at
// all. So a row whose id is younger than MaxCommit at insertion is seen by the
// walk, and one that is older must be listed by its own transaction. The bound
// is the client's: a server that takes longer than that over a COMMIT nobody
// waits for any more could slip a row past the walk; the audit names it.
const (
	MaxCommit = 30 * time.Second
	ripeAge   = 2 * MaxCommit
	slowWalk  = 5 * time.Second // how far behind ripeAge the walk may be in good health
)

// Entry is a row that waits. It is listed once per reason.
type Entry struct {
	ID  int64
	Why string    // the [Duty] it waits for
	Due time.Time // when somebody is to look at it
}

// Late reports whether the walk may have passed id before a transaction that
// asked for the time at now commits it.
func Late(id int64, now time.Time) bool { return idgen.Parse(id).Time.Before(now.Add(-MaxCommit)) }

// WalkedBy is when the walk has passed id, in good health.
func WalkedBy(id int64) time.Time { return idgen.Parse(id).Time.Add(ripeAge + slowWalk) }

// Enlist puts rows on the list; one that stands there for the same reason stays
// as it is.
func Enlist(ctx context.Context, tx *database.Tx, entries []Entry) error {
	rows := make([][]any, len(entries))
	for i, e := range entries {
		rows[i] = []any{e.ID, e.Why, database.Micros(e.Due)}
	}
	if _, err := tx.InsertIgnore(ctx, "straggler", []string{"order_id", "why", "due"}, rows); err != nil {
		return fmt.Errorf("list %d stragglers: %w", len(rows), err)
	}
	return nil
}

// EnlistLate lists those of the rows that the walk may have passed before tx
// commits. It is for transactions that did not ask for the time before.
func EnlistLate(ctx context.Context, tx *database.Tx, entries []Entry) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	return Enlist(ctx, tx, slices.DeleteFunc(entries, func(e Entry) bool { return !Late(e.ID, now) }))
}

// firstID is the smallest id made at t or later. Below the milliseconds an id
// has 22 bits: see package idgen.
func firstID(t time.Time) int64 { return t.Sub(idgen.Parse(0).Time).Milliseconds() << 22 }
