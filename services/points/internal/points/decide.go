package points

import (
	"fmt"
	"maps"
	"time"
)

// Book is what a batch of requests is decided on.
type Book struct {
	Awards   map[OrderID]Award   // given before
	Entries  map[OrderID][]Entry // of the orders to be reversed
	Freezes  map[OrderID]Freeze  // decided before
	Accounts map[UserID]Account  // locked, of everyone whose points are to be frozen or taken, or who owes; absent is empty
}

// Decisions is what becomes of a batch of requests. All of it, or nothing,
// goes into storage.
type Decisions struct {
	Entries []Entry  // new: one per order and earn rule, one per redemption, and what undoes them or is owed
	New     []Freeze // at most one per order, as it stands after the batch
	Changed []Freeze // of those that were FROZEN before
	Moves   map[UserID]Move

	// What order is told, at most one of each per order.
	Awards    []Award
	Freezes   []Freeze // as decided
	Reversals []Reversal
}

// Decide answers the requests one after the other, in the order given, as if
// each came alone: a request finds what those before it left. It changes
// nothing it was given.
//
// What is decided about an order stays so, whatever the rules and the account
// have become since: a repeated request is passed over, and answered with what
// is recorded only when order says that it still waits. The error satisfies
// IsImpossible and leaves no decisions.
func Decide(requests []Request, book Book, rules []Rule, at time.Time) (Decisions, error) {
	d := desk{
		book: book, rules: rules, at: at, table: transitions(),
		awards: make(map[OrderID]Award, len(requests)), freezes: make(map[OrderID]Freeze),
		awardTold: make(map[OrderID]bool, len(requests)), freezeTold: make(map[OrderID]bool), reversalTold: make(map[OrderID]bool),
		out: Decisions{
			Entries: make([]Entry, 0, len(requests)), Awards: make([]Award, 0, len(requests)), Moves: make(map[UserID]Move, len(requests)),
		},
	}
	for _, r := range requests {
		if err := d.handle(r); err != nil {
			return Decisions{}, err
		}
	}
	d.close()
	return d.out, nil
}

// desk is where a batch is decided.
type desk struct {
	book  Book
	rules []Rule
	at    time.Time
	table map[Status]map[Action]step

	awards  map[OrderID]Award  // given by this batch
	freezes map[OrderID]Freeze // as this batch has left them
	touched []OrderID          // keys of freezes, in the order of their first change

	awardTold, freezeTold, reversalTold map[OrderID]bool

	out Decisions
}

func (d *desk) handle(r Request) error {
	if err := r.validate(); err != nil {
		return err
	}
	if r.Action == Reverse {
		return d.reverse(r)
	}
	if r.Action != Confirm || r.Points > 0 {
		if err := d.freeze(r); err != nil {
			return err
		}
	}
	if r.Action == Confirm {
		d.reward(r)
	}
	return nil
}

// freeze takes the order's freeze one step on.
func (d *desk) freeze(r Request) error {
	was := d.find(r.Order)
	if r.Action == Confirm && was.Status == Frozen && was.Amount != r.Points {
		return fmt.Errorf("order %d: %w: it uses %d points, %d are frozen", r.Order, ErrMalformed, r.Points, was.Amount)
	}
	switch d.table[was.Status][r.Action] {
	case decide:
		d.tellFreeze(d.decide(r))
	case bury:
		d.put(Freeze{Order: r.Order, User: r.User, Status: Cancelled, At: d.at})
	case redeem:
		d.redeem(was)
	case unfreeze:
		d.move(was.User, Move{Frozen: -was.Amount})
		d.end(was, Cancelled)
	case keep:
		if r.Action == Try && r.Nudged {
			d.tellFreeze(was)
		}
	case impossible:
		return refusal(r, was)
	}
	return nil
}

func refusal(r Request, was Freeze) error {
	switch r.Action {
	case Confirm:
		return fmt.Errorf("order %d is %q: %w", r.Order, was.Status, ErrConfirmWithoutFreeze)
	case Cancel:
		return fmt.Errorf("order %d: %w", r.Order, ErrCancelAfterConfirm)
	}
	return fmt.Errorf("order %d: %w: action %d", r.Order, ErrMalformed, r.Action)
}

// decide freezes all the points or none.
func (d *desk) decide(r Request) Freeze {
	f := Freeze{Order: r.Order, User: r.User, Amount: r.Points, Status: Frozen, At: d.at, Deadline: r.Deadline}
	if d.spendable(r.User) < r.Points {
		f.Status = Refused
	} else {
		d.move(r.User, Move{Frozen: r.Points})
	}
	return d.put(f)
}

func (d *desk) redeem(f Freeze) {
	d.move(f.User, Move{Balance: -f.Amount, Frozen: -f.Amount})
	d.out.Entries = append(d.out.Entries, Entry{
		EntryID: EntryID{Order: f.Order, Rule: RuleRedeem, Cause: CausePaid},
		User:    f.User, Amount: -f.Amount, At: d.at,
	})
	d.end(f, Confirmed)
}

// available is what the user has and nobody was promised.
func (d *desk) available(user UserID) int64 {
	had, moved := d.book.Accounts[user], d.out.Moves[user]
	return had.Balance + moved.Balance - had.Frozen - moved.Frozen
}

// spendable leaves out what the user owes: he pays before he spends.
func (d *desk) spendable(user UserID) int64 { return d.available(user) - d.debt(user) }

func (d *desk) move(user UserID, m Move) {
	sum := d.out.Moves[user]
	sum.Balance += m.Balance
	sum.Frozen += m.Frozen
	sum.Debt += m.Debt
	d.out.Moves[user] = sum
}

func (d *desk) find(id OrderID) Freeze {
	if f, ok := d.freezes[id]; ok {
		return f
	}
	return d.book.Freezes[id]
}

func (d *desk) end(f Freeze, status Status) {
	f.Status = status
	d.put(f)
}

// put files a freeze that has changed once more.
func (d *desk) put(f Freeze) Freeze {
	f.UpdatedAt = d.at
	if _, seen := d.freezes[f.Order]; !seen {
		d.touched = append(d.touched, f.Order)
	}
	d.freezes[f.Order] = f
	return f
}

// tellFreeze answers order, once per batch: with what was decided, also when
// the batch goes on to end it.
func (d *desk) tellFreeze(f Freeze) {
	if d.freezeTold[f.Order] || !f.answered() {
		return
	}
	d.freezeTold[f.Order] = true
	d.out.Freezes = append(d.out.Freezes, f)
}

// close sorts what the batch has left into new and changed.
func (d *desk) close() {
	for _, id := range d.touched {
		if _, known := d.book.Freezes[id]; known {
			d.out.Changed = append(d.out.Changed, d.freezes[id])
		} else {
			d.out.New = append(d.out.New, d.freezes[id])
		}
	}
	maps.DeleteFunc(d.out.Moves, func(_ UserID, m Move) bool { return m == Move{} })
}
