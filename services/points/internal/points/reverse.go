package points

import (
	"fmt"
	"slices"
)

// Reversal is the answer to a returned order: its user has what he would have
// had without it, or owes it.
type Reversal struct {
	Order OrderID
	User  UserID
	Taken int64 // of what the order had earned
	Given int64 // of what the order had used
}

// reversed is what entries say of an order's reversal; false while there was
// none.
func reversed(order OrderID, user UserID, entries []Entry) (r Reversal, ok bool) {
	r = Reversal{Order: order, User: user}
	for _, e := range entries {
		switch {
		case e.Cause != CauseReturned:
			continue
		case e.Rewards():
			r.Taken -= e.Amount
		case e.Rule == RuleRedeem:
			r.Given += e.Amount
		}
		ok = true
	}
	return r, ok
}

// reverse undoes what a returned order earned and used, once.
func (d *desk) reverse(r Request) error {
	entries := d.entriesOf(r.Order)
	if !slices.ContainsFunc(entries, Entry.Rewards) {
		return fmt.Errorf("order %d: %w", r.Order, ErrReverseUnrewarded)
	}
	if user := entries[0].User; user != r.User {
		return fmt.Errorf("order %d: %w: user %d returns what user %d has bought", r.Order, ErrMalformed, r.User, user)
	}
	reversal, decided := reversed(r.Order, r.User, entries)
	if !decided {
		reversal = d.undo(r, entries)
	}
	if (!decided || r.Nudged) && !d.reversalTold[r.Order] {
		d.reversalTold[r.Order] = true
		d.out.Reversals = append(d.out.Reversals, reversal)
	}
	return nil
}

// entriesOf is what is written about an order, by this batch too.
func (d *desk) entriesOf(order OrderID) []Entry {
	entries := slices.Clone(d.book.Entries[order])
	for _, e := range d.out.Entries {
		if e.Order == order {
			entries = append(entries, e)
		}
	}
	return entries
}

func (d *desk) undo(r Request, entries []Entry) Reversal {
	var undone []Entry
	sum := int64(0)
	for _, e := range entries {
		if e.Rule == RuleDebt {
			continue
		}
		e.Cause, e.Amount, e.At = CauseReturned, -e.Amount, d.at
		undone = append(undone, e)
		sum += e.Amount
	}
	d.out.Entries = append(d.out.Entries, undone...)
	d.gain(r.Order, r.User, CauseReturned, sum)
	reversal, _ := reversed(r.Order, r.User, undone)
	return reversal
}

// gain gives a user n points, or takes them below 0. Who owes pays first, and
// what is not there to be taken is owed: a debt entry makes up the difference,
// so that the balance is the sum of the entries.
func (d *desk) gain(order OrderID, user UserID, cause string, n int64) {
	owed := max(0, -n-d.available(user))
	if n > 0 {
		owed = -min(n, d.debt(user))
	}
	if owed != 0 {
		d.out.Entries = append(d.out.Entries, Entry{
			EntryID: EntryID{Order: order, Rule: RuleDebt, Cause: cause}, User: user, Amount: owed, At: d.at,
		})
	}
	d.move(user, Move{Balance: n + owed, Debt: owed})
}

func (d *desk) debt(user UserID) int64 { return d.book.Accounts[user].Debt + d.out.Moves[user].Debt }
