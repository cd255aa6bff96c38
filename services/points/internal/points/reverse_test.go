package points_test

import (
	"errors"
	"slices"
	"testing"

	"souk.example/services/points/internal/points"
)

// What a returned order earned is taken, what it used is given, and what is not
// there any more is owed: taken from what is earned next, before it can be spent.
func TestReversal(t *testing.T) {
	t.Parallel()
	bought := []points.Request{try(1, 60), paid(1, 60, 5_000)} // uses 60, earns 50
	for name, c := range map[string]struct {
		before, after []points.Request
		account       points.Account
		told          points.Reversal
	}{
		"all there":              {bought, []points.Request{reverse(1)}, points.Account{Balance: 100}, points.Reversal{Order: 1, User: user, Taken: 50, Given: 60}},
		"in the batch it came":   {nil, append(slices.Clone(bought), reverse(1)), points.Account{Balance: 100}, points.Reversal{Order: 1, User: user, Taken: 50, Given: 60}},
		"again":                  {bought, []points.Request{reverse(1), reverse(1), paid(1, 60, 5_000)}, points.Account{Balance: 100}, points.Reversal{Order: 1, User: user, Taken: 50, Given: 60}},
		"nothing earned":         {[]points.Request{paid(1, 0, 99)}, []points.Request{reverse(1)}, points.Account{Balance: 100}, points.Reversal{Order: 1, User: user}},
		"earned only":            {[]points.Request{paid(1, 0, 5_000)}, []points.Request{reverse(1)}, points.Account{Balance: 100}, points.Reversal{Order: 1, User: user, Taken: 50}},
		"frozen by another":      {[]points.Request{paid(1, 0, 5_000), try(2, 120)}, []points.Request{reverse(1)}, points.Account{Balance: 120, Frozen: 120, Debt: 20}, points.Reversal{Order: 1, User: user, Taken: 50}},
		"spent":                  {[]points.Request{paid(1, 0, 5_000), try(2, 120), paid(2, 120, 0)}, []points.Request{reverse(1)}, points.Account{Debt: 20}, points.Reversal{Order: 1, User: user, Taken: 50}},
		"owed and earned":        {[]points.Request{paid(1, 0, 5_000), try(2, 120), paid(2, 120, 0)}, []points.Request{reverse(1), paid(3, 0, 500)}, points.Account{Debt: 15}, points.Reversal{Order: 1, User: user, Taken: 50}},
		"owed and earned all":    {[]points.Request{paid(1, 0, 5_000), try(2, 120), paid(2, 120, 0)}, []points.Request{reverse(1), paid(3, 0, 5_000)}, points.Account{Balance: 30}, points.Reversal{Order: 1, User: user, Taken: 50}},
		"owed and given":         {[]points.Request{paid(1, 0, 5_000), try(2, 120), paid(2, 120, 0)}, []points.Request{reverse(1), reverse(2)}, points.Account{Balance: 100}, points.Reversal{Order: 1, User: user, Taken: 50}},
		"owed, and not to spend": {[]points.Request{paid(1, 0, 5_000), try(2, 120)}, []points.Request{reverse(1), cancel(2), try(3, 101)}, points.Account{Balance: 120, Debt: 20}, points.Reversal{Order: 1, User: user, Taken: 50}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(100)
			if err := errors.Join(w.apply(c.before...), w.apply(c.after...)); err != nil {
				t.Fatal(err)
			}
			if got := w.book.Accounts[user]; got != c.account {
				t.Errorf("the account is %+v, want %+v", got, c.account)
			}
			if len(w.reversals) == 0 || w.reversals[0] != c.told {
				t.Errorf("told %+v, want %+v", w.reversals, c.told)
			}
			fold, lent, once := int64(100), int64(0), map[points.EntryID]bool{}
			for _, e := range w.entries {
				if once[e.EntryID] {
					t.Errorf("%+v twice", e)
				}
				once[e.EntryID] = true
				fold += e.Amount
				if e.Rule == points.RuleDebt {
					lent += e.Amount
				}
			}
			if fold != c.account.Balance || lent != c.account.Debt {
				t.Errorf("the entries %+v add up to %d, %d of it lent", w.entries, fold, lent)
			}
		})
	}
}

// A reversal is answered once, and again when order says that it still waits.
func TestAReversalIsRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(0)
	said := []int{}
	for _, batch := range [][]points.Request{
		{paid(1, 0, 500), reverse(1), nudged(reverse(1))}, {reverse(1)}, {nudged(reverse(1)), nudged(reverse(1))},
	} {
		if err := w.apply(batch...); err != nil {
			t.Fatal(err)
		}
		said = append(said, len(w.reversals))
	}
	if !slices.Equal(said, []int{1, 1, 2}) || w.reversals[1] != w.reversals[0] {
		t.Errorf("after each batch %v: %+v", said, w.reversals)
	}
}

func TestImpossibleReversals(t *testing.T) {
	t.Parallel()
	other := reverse(1)
	other.User = 8
	for name, c := range map[string]struct {
		before, after points.Request
		err           error
	}{
		"never rewarded": {try(1, 5), reverse(1), points.ErrReverseUnrewarded},
		"somebody else":  {paid(1, 0, 500), other, points.ErrMalformed},
	} {
		w := newWorld(100)
		if err := w.apply(c.before); err != nil {
			t.Fatal(err)
		}
		if err := w.apply(c.after); !errors.Is(err, c.err) || !points.IsImpossible(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
