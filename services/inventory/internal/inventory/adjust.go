package inventory

import (
	"context"
	"time"
)

const maxReason = 200 // characters

// Adjustment is a correction of what is available: units that were bought,
// found, broken or lost. Two of a user with one Key are the same adjustment
// when their Fingerprint is equal.
type Adjustment struct {
	User        int64
	Key         string
	Fingerprint [32]byte
	SKU         SKU
	Delta       int64 // units, not 0
	Reason      string
	At          time.Time // set by Adjust
}

// Moves is the adjustment in the ledger.
func (a Adjustment) Moves() Moves {
	moves := make(Moves, 1)
	moves.add(a.SKU, CauseAdjust, a.Delta)
	return moves
}

// Adjusted is the answer to an Adjustment: the stock right after it.
type Adjusted struct {
	Stock
	Replayed bool // an earlier request with the same key had adjusted
}

// Adjust moves units in or out and returns once that is durable. A refusal is
// an *apperr.Error and leaves nothing behind.
func (m *Manager) Adjust(ctx context.Context, a Adjustment) (Adjusted, error) {
	if err := a.validate(); err != nil {
		return Adjusted{}, err
	}
	a.At = m.now()
	adjusted, err := m.catalogue.Adjust(ctx, a)
	if err != nil {
		return Adjusted{}, err
	}
	m.pages.Changed(ctx, a.SKU)
	return adjusted, nil
}

func (a Adjustment) validate() error {
	if a.Delta == 0 {
		return invalid("delta", "units to add, or below 0 to take away; not 0")
	}
	if err := checkUnits("delta", a.Delta); err != nil {
		return err
	}
	if !isLine(a.Reason, maxReason) {
		return invalid("reason", "1 to 200 printable characters in one line")
	}
	return nil
}

// Adjust checks that the units can move: ErrBelowReserved when fewer are
// available than are taken away.
func (s Stock) Adjust(delta int64) error {
	if s.Available+delta < 0 {
		return ErrBelowReserved
	}
	return checkUnits("delta", s.Available+delta)
}
