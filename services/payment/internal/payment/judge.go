package payment

import (
	"fmt"
	"time"

	"souk.example/contracts"
)

// Records is what a batch of words is judged by.
type Records struct {
	Payments map[OrderID]Payment
	Refunds  map[RefundID]Refund
	Claims   map[string]ClaimID // who makes which call now, by key
}

// Rulings is what becomes of a batch of words. All of it, or nothing, goes
// into storage.
type Rulings struct {
	Changes       []Change // at most one per order
	RefundChanges []RefundChange
	Done          []string // keys of calls that are over
	Later         []Later  // calls that are to be made again
	Entries       []Entry
	Replies       []Payment
	RefundReplies []Refund
	Errs          []error // per word: nil, ErrNotOurs or ErrMismatch
}

// Later puts a call off. It stands only if the call still was Claim's.
type Later struct {
	Key     string
	Claim   ClaimID
	Pause   time.Duration
	NotSent bool // this attempt does not count: nobody was asked
}

// Judge applies the words one after the other. It changes nothing it was given.
func Judge(words []Word, records Records, at time.Time) Rulings {
	c := &court{
		payments: withRoom(records.Payments, 0), refunds: withRoom(records.Refunds, 0), claims: withRoom(records.Claims, 0), at: at,
		was: map[OrderID]Status{}, refundWas: map[RefundID]Status{}, done: map[string]bool{},
	}
	for _, w := range words {
		c.out.Errs = append(c.out.Errs, c.hear(w))
	}
	return c.finish()
}

// court is where a batch of words is judged.
type court struct {
	payments  map[OrderID]Payment
	refunds   map[RefundID]Refund
	claims    map[string]ClaimID
	at        time.Time
	was       map[OrderID]Status
	refundWas map[RefundID]Status
	touched   []Word // the first about each payment or refund that changed
	done      map[string]bool
	out       Rulings
}

// hear judges one word. A reply that does not fit leaves its call open.
func (c *court) hear(w Word) error {
	judge, doubt := c.charge, c.doubtCharge
	if w.Kind == Return {
		judge, doubt = c.refund, c.doubtRefund
	}
	err := doubt(w)
	if err != nil {
		if w.Claim == "" {
			return err
		}
		w.Said = Unsure
	}
	if w.settlesNothing() && !c.claimed(w) {
		return err
	}
	judge(w)
	return err
}

// claimed reports whether w answers the call that is under way.
func (c *court) claimed(w Word) bool { return w.Claim != "" && c.claims[w.Key()] == w.Claim }

func (c *court) doubtCharge(w Word) error {
	p := c.payments[w.Order]
	switch {
	case p.Status == None:
		return fmt.Errorf("charge %s of order %d: %w", w.Ref, w.Order, ErrNotOurs)
	case w.settlesNothing():
		return nil
	case p.Method != contracts.MethodCard || p.Amount != w.Amount:
		return fmt.Errorf("charge %s of order %d: %w: another amount or method", w.Ref, w.Order, ErrMismatch)
	case p.Status == Captured && w.Said == Succeeded && p.Charge != w.Ref:
		return fmt.Errorf("charge %s of order %d: %w: it is charged by %s already", w.Ref, w.Order, ErrMismatch, p.Charge)
	}
	return nil
}

func (c *court) charge(w Word) {
	p := c.payments[w.Order]
	step := Next(p.Status, w.Said)
	if step.To == Pending && p.CancelRequested {
		step = Next(Pending, Cancelled) // nobody was asked, and now nobody need be
	}
	if step.Do == Move {
		c.move(w, p, step.To)
	}
	c.conclude(w, c.payments[w.Order].Status)
}

func (c *court) move(w Word, p Payment, status Status) {
	if _, before := c.was[p.Order]; !before {
		c.was[p.Order] = p.Status
		c.touched = append(c.touched, w)
	}
	p.At, p.CancelRequested = c.at, p.CancelRequested || p.Status == Voided
	switch status {
	case Captured:
		p = p.captured()
		p.Charge = w.Ref
		c.out.Entries = append(c.out.Entries, cardCaptureEntry(p))
		c.out.Replies = append(c.out.Replies, p)
	case Failed:
		p = p.failed(w.Reason)
		p.Charge = w.Ref
		c.out.Replies = append(c.out.Replies, p)
	default:
		p.Status = status
	}
	c.payments[p.Order] = p
}

func (c *court) doubtRefund(w Word) error {
	r := c.refunds[w.Refund]
	switch {
	case r.Status == None:
		return fmt.Errorf("refund %s as %s: %w", w.Refund, w.Ref, ErrNotOurs)
	case w.settlesNothing():
		return nil
	case r.Amount != w.Amount, r.Status == Refunded && r.Ref != w.Ref:
		return fmt.Errorf("refund %s as %s: %w: another amount, or given back already", w.Refund, w.Ref, ErrMismatch)
	}
	return nil
}

func (c *court) refund(w Word) {
	r := c.refunds[w.Refund]
	if step := NextOfRefund(r.Status, w.Said); step.Do == Move {
		if _, before := c.refundWas[r.ID]; !before {
			c.refundWas[r.ID] = r.Status
			c.touched = append(c.touched, w)
		}
		r.Status, r.At = step.To, c.at
		if r.Status == Refunded {
			r.Ref = w.Ref
			c.out.Entries = append(c.out.Entries, cardRefundEntry(r))
			c.out.RefundReplies = append(c.out.RefundReplies, r)
		}
		c.refunds[r.ID] = r
	}
	c.conclude(w, r.Status)
}

// conclude ends the call, or puts it off if it is w's to put off.
func (c *court) conclude(w Word, status Status) {
	switch key := w.Key(); {
	case !status.Open():
		if !c.done[key] {
			c.done[key] = true
			c.out.Done = append(c.out.Done, key)
		}
	case w.settlesNothing():
		delete(c.claims, key)
		c.out.Later = append(c.out.Later, w.later())
	}
}

// finish lists what changed, and leaves no call to be put off that is over.
func (c *court) finish() Rulings {
	for _, w := range c.touched {
		if w.Kind == Return {
			c.out.RefundChanges = append(c.out.RefundChanges, RefundChange{Was: c.refundWas[w.Refund], Refund: c.refunds[w.Refund]})
			continue
		}
		c.out.Changes = append(c.out.Changes, Change{Was: c.was[w.Order], Payment: c.payments[w.Order]})
	}
	kept := c.out.Later[:0]
	for _, l := range c.out.Later {
		if !c.done[l.Key] {
			kept = append(kept, l)
		}
	}
	c.out.Later = kept
	return c.out
}
