package inventory

import (
	"fmt"
	"maps"
	"time"

	"souk.example/contracts"
)

// Book is what a batch of requests is decided on.
type Book struct {
	Reservations map[OrderID]Reservation // decided before
	Stock        map[SKU]int64           // available, locked; absent is not sold
}

// Decisions is what becomes of a batch of requests. All of it, or nothing,
// goes into storage.
type Decisions struct {
	New     []Reservation // at most one per order, as it stands after the batch
	Changed []Change      // of reservations that were there before
	Moves   Moves
	At      time.Time

	// What order is told, at most one of each per order: as decided, and that
	// the units are back.
	Replies, Restocked []Reservation
}

// Change is a reservation that was at version Before and is now After.
type Change struct {
	Before int64
	After  Reservation
}

// Decide answers the requests one after the other, in the order given, as if
// each came alone: a request finds what those before it left. It changes
// nothing it was given.
//
// An order that has its decision keeps it. A repeated Reserve or Restock is
// passed over, and answered with what is recorded only when order says that it
// still waits.
// The error satisfies IsImpossible and leaves no decisions.
func Decide(requests []Request, book Book, at time.Time) (Decisions, error) {
	d := desk{
		before: book.Reservations, stock: maps.Clone(book.Stock),
		now: make(map[OrderID]Reservation, len(requests)), touched: make([]OrderID, 0, len(requests)),
		told: make(map[OrderID]bool), restocked: make(map[OrderID]bool),
		table: transitions(), out: Decisions{Moves: make(Moves, len(requests)), At: at},
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
	before    map[OrderID]Reservation // as they stand in storage
	now       map[OrderID]Reservation // as the batch has left them
	touched   []OrderID               // keys of now, in the order of their first change
	stock     map[SKU]int64           // available
	told      map[OrderID]bool        // what was decided
	restocked map[OrderID]bool        // told that its units are back
	table     map[Status]map[Action]step
	out       Decisions
}

func (d *desk) handle(r Request) error {
	if err := r.validate(); err != nil {
		return err
	}
	was := d.find(r.Order)
	switch d.table[was.Status][r.Action] {
	case decide:
		d.tell(d.decide(r))
	case bury:
		d.put(Reservation{Order: r.Order, Status: Released, At: d.out.At})
	case commit:
		d.settle(was, Committed, CauseCommit)
	case release:
		d.settle(was, Released, CauseRelease)
	case restock:
		d.restock(was)
	case resell:
		d.settle(was, Committed, CauseCommit)
		d.restock(d.find(r.Order))
	case keep:
		d.repeat(r, was)
	case impossible:
		return refusal(r, was)
	}
	return nil
}

// repeat answers what is asked again, if order says that it still waits.
func (d *desk) repeat(r Request, was Reservation) {
	switch {
	case r.Action == Reserve && r.Nudged:
		d.tell(was)
	case r.Action == Restock && r.Nudged:
		d.tellRestocked(was)
	}
}

func refusal(r Request, was Reservation) error {
	if r.Action == Commit {
		return fmt.Errorf("order %d is %q: %w", r.Order, was.Status, ErrCommitWithoutHold)
	}
	if r.Action == Release {
		return fmt.Errorf("order %d: %w", r.Order, ErrReleaseAfterCommit)
	}
	if r.Action == Restock {
		return fmt.Errorf("order %d is %q: %w", r.Order, was.Status, ErrRestockUnsold)
	}
	return fmt.Errorf("%w: order %d, action %d", ErrBadRequest, r.Order, r.Action)
}

func (d *desk) find(id OrderID) Reservation {
	if r, ok := d.now[id]; ok {
		return r
	}
	return d.before[id]
}

// decide holds every line or none.
func (d *desk) decide(r Request) Reservation {
	res := Reservation{Order: r.Order, Status: Held, Lines: r.Lines, Deadline: r.Deadline, At: d.out.At}
	wanted := make(map[SKU]int64, len(r.Lines))
	for _, l := range r.Lines {
		wanted[l.SKU] += l.Quantity
		available, sold := d.stock[l.SKU]
		if !sold || wanted[l.SKU] > available || wanted[l.SKU] > maxUnits {
			res.Status, res.Reason, res.RefusedSKU = Refused, contracts.ReasonOutOfStock, l.SKU
			return d.put(res)
		}
	}
	d.move(res, CauseReserve)
	return d.put(res)
}

func (d *desk) settle(r Reservation, status Status, cause Cause) {
	r.Status = status
	d.move(r, cause)
	d.put(r)
}

func (d *desk) restock(r Reservation) {
	d.settle(r, Returned, CauseRestock)
	d.tellRestocked(r)
}

func (d *desk) move(r Reservation, cause Cause) {
	for _, l := range r.Lines {
		d.out.Moves.add(l.SKU, cause, l.Quantity)
		// A held SKU that was not locked is not needed by anybody here.
		if _, ok := d.stock[l.SKU]; ok {
			d.stock[l.SKU] += moveOf(cause, l.Quantity).Available
		}
	}
}

// put files a reservation that has changed once more.
func (d *desk) put(r Reservation) Reservation {
	r.Version, r.UpdatedAt = r.Version+1, d.out.At
	if _, seen := d.now[r.Order]; !seen {
		d.touched = append(d.touched, r.Order)
	}
	d.now[r.Order] = r
	return r
}

// tell answers order, once per batch: with what was decided, also when the
// batch goes on to release it.
func (d *desk) tell(r Reservation) {
	if d.told[r.Order] || !r.answered() {
		return
	}
	d.told[r.Order] = true
	d.out.Replies = append(d.out.Replies, r)
}

func (d *desk) tellRestocked(r Reservation) {
	if d.restocked[r.Order] {
		return
	}
	d.restocked[r.Order] = true
	d.out.Restocked = append(d.out.Restocked, r)
}

// close sorts what the batch has left into new and changed.
func (d *desk) close() {
	d.out.Changed = make([]Change, 0, len(d.before))
	d.out.New = make([]Reservation, 0, max(0, len(d.touched)-len(d.before)))
	for _, id := range d.touched {
		if was, ok := d.before[id]; ok {
			d.out.Changed = append(d.out.Changed, Change{Before: was.Version, After: d.now[id]})
		} else {
			d.out.New = append(d.out.New, d.now[id])
		}
	}
	maps.DeleteFunc(d.out.Moves, func(_ MoveKey, m Move) bool { return m == Move{} })
}
