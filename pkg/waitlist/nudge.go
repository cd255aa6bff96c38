package waitlist

import (
	"context"
	"fmt"
	"time"

	"souk.example/pkg/database"
)

// Nudge is the reason of rows that wait for another service's word.
const Nudge = "nudge"

// longestPause is the most that lies between two nudges about one row.
const longestPause = 10 * time.Minute

// Nudger makes the duty of asking again for what a row waits for: when it has
// waited for After, and again when it has waited twice as long, until the
// pauses are ten minutes. It decides nothing and makes nothing up: what it
// sends was sent before.
type Nudger[K ~int64, R any] struct {
	After time.Duration
	// Lock loads and locks rows, in the order of their ids, which it is given.
	Lock func(ctx context.Context, tx *database.Tx, ids []K) (map[K]R, error)
	// Since is when a row began to wait for another service; false when it
	// waits for none.
	Since func(R) (time.Time, bool)
	// Remind sends the event on whose answer each row waits once more, under
	// its own id, with the nudge flag if its reader is to repeat an answer.
	Remind func(ctx context.Context, tx *database.Tx, rows []R) error
}

// Duty is the nudger's.
func (n Nudger[K, R]) Duty() Duty { return Duty{Why: Nudge, Do: n.do} }

// Entry lists a row that waits since a time.
func (n Nudger[K, R]) Entry(id K, since time.Time) Entry {
	return Entry{ID: int64(id), Why: Nudge, Due: since.Add(n.After)}
}

func (n Nudger[K, R]) do(ctx context.Context, tx *database.Tx, ids []int64) (again []Entry, err error) {
	keys := make([]K, len(ids))
	for i, id := range ids {
		keys[i] = K(id)
	}
	rows, err := n.Lock(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	now, err := tx.Now(ctx) // not before the lock: what was waited for has come before
	if err != nil {
		return nil, err
	}
	var overdue []R
	for _, k := range keys {
		since, waits := n.since(rows, k)
		if !waits {
			continue
		}
		ask, next := n.next(since, now)
		if ask {
			overdue = append(overdue, rows[k])
		}
		again = append(again, Entry{ID: int64(k), Why: Nudge, Due: next})
	}
	if len(overdue) == 0 {
		return again, nil
	}
	if err := n.Remind(ctx, tx, overdue); err != nil {
		return nil, fmt.Errorf("nudge for %d rows: %w", len(overdue), err)
	}
	return again, nil
}

func (n Nudger[K, R]) since(rows map[K]R, k K) (time.Time, bool) {
	row, found := rows[k]
	if !found {
		return time.Time{}, false
	}
	return n.Since(row)
}

// next says whether to ask now for what is missed since a time, and when to
// look again.
func (n Nudger[K, R]) next(since, now time.Time) (ask bool, at time.Time) {
	waited := now.Sub(since)
	if waited < n.After {
		return false, since.Add(n.After)
	}
	return true, now.Add(min(waited, max(n.After, longestPause)))
}
