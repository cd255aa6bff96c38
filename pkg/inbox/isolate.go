package inbox

import (
	"context"
	"errors"
	"slices"

	"souk.example/pkg/database"
)

// errRollback ends a trial's transaction.
var errRollback = errors.New("inbox: trial rolled back")

// isolate adds to faults the events among entries that keep the batch from
// being applied, and reports whether there are any. It tries parts of the
// batch in transactions that are rolled back, and fails only when one of them
// did for reasons that are no event's fault.
//
// Parts are made of whole keys: an event may well fail without the earlier
// ones of its key.
func (i *Inbox) isolate(ctx context.Context, b *batch, entries []int, faults map[int]fault) (found bool, err error) {
	s := &search{inbox: i, batch: b, faults: faults}
	return s.among(ctx, b.byKey(entries))
}

// byKey returns entries as a slice per key.
func (b *batch) byKey(entries []int) [][]int {
	var groups [][]int
	at := make(map[string]int)
	for _, n := range entries {
		key := b.entries[n].event.Subject
		g, ok := at[key]
		if !ok {
			g = len(groups)
			at[key] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], n)
	}
	return groups
}

// search looks for faulty events.
type search struct {
	inbox  *Inbox
	batch  *batch
	faults map[int]fault
}

// among searches some keys' entries and reports whether it found a fault.
func (s *search) among(ctx context.Context, groups [][]int) (found bool, err error) {
	entries := slices.Sorted(slices.Values(slices.Concat(groups...)))
	cause, err := s.try(ctx, entries)
	if cause == nil || err != nil {
		return false, err
	}
	if len(groups) > 1 {
		half := len(groups) / 2
		first, err := s.among(ctx, groups[:half])
		if err != nil {
			return false, err
		}
		second, err := s.among(ctx, groups[half:])
		if err != nil || first || second {
			return first || second, err
		}
	}
	// One key, or keys that fail only together.
	return s.firstIn(ctx, entries)
}

// firstIn blames the entry that ends the shortest prefix that fails.
func (s *search) firstIn(ctx context.Context, entries []int) (found bool, err error) {
	low, high := 0, len(entries) // the prefix of length high fails, as far as we know
	var blame *handlerError
	for low < high {
		middle := (low + high) / 2
		cause, err := s.try(ctx, entries[:middle+1])
		if err != nil {
			return false, err
		}
		if cause == nil {
			low = middle + 1
			continue
		}
		high, blame = middle, cause
	}
	if blame == nil { // it passes now
		return false, nil
	}
	s.faults[entries[low]] = fault{blame.class(), blame.cause}
	return true, nil
}

// try runs the handler on some entries and takes it back. cause is what the
// handler holds against them; err is a failure that is not theirs.
func (s *search) try(ctx context.Context, entries []int) (cause *handlerError, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.inbox.cfg.Timeout)
	defer cancel()
	err = s.inbox.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := call(ctx, tx, s.inbox.handler, s.batch.events(entries)); err != nil {
			return err
		}
		return errRollback
	})
	if errors.Is(err, errRollback) {
		return nil, nil
	}
	cause, ok := errors.AsType[*handlerError](err)
	if !ok || judge(err) == again {
		return nil, err
	}
	return cause, nil
}
