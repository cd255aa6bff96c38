package order

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/apperr"
	"souk.example/pkg/groupcommit"
)

type outcome = groupcommit.Outcome[Placement]

// flush prices the batch, asks for permits and commits it. It asks before the
// transaction, which so is never held open for the answer, and gives back what no
// order came of.
func (p *Placer) flush(ctx context.Context, batch []PlaceOrder) ([]outcome, error) {
	prices, err := p.store.Prices(ctx, skusOf(batch))
	if err != nil {
		return nil, err
	}
	m := p.permit(ctx, batch, draftsOf(batch, prices))
	d, err := p.commit(ctx, batch, m)
	if err == nil || !p.mayStand(err) {
		p.giveBack(ctx, batch, m, d.orders)
	}
	return d.outcomes, err
}

// commit places a batch in one transaction. It first trusts that every key is
// new, which the unique index proves, and asks which keys are known only on a
// collision or before a refusal: a key that has placed its order replays it,
// whatever has become of prices since, and however many orders are open, and
// though nothing is left.
func (p *Placer) commit(ctx context.Context, batch []PlaceOrder, m permits) (decisions, error) {
	d, err := p.attempt(ctx, batch, m, false)
	for range 2 { // a replica may commit a key after we looked
		if errors.Is(err, ErrKeyTaken) {
			d, err = p.attempt(ctx, batch, m, true)
		}
	}
	return d, err
}

func (p *Placer) attempt(ctx context.Context, batch []PlaceOrder, m permits, lookUp bool) (d decisions, err error) {
	err = p.store.InUnit(ctx, func(ctx context.Context, u Unit) error {
		now, err := u.Now(ctx)
		if err != nil {
			return err
		}
		d = p.decide(batch, m, make(map[Key]*State, len(batch)), now)
		if lookUp || d.refused {
			placed, err := u.Placed(ctx, keysOf(batch))
			if err != nil {
				return err
			}
			d = p.decide(batch, m, placed, now)
		}
		return u.Insert(ctx, d.fresh)
	})
	if err != nil {
		return decisions{}, err
	}
	return d, nil
}

// mayStand reports whether a batch that failed so may have been committed; then
// it is flushed again, or its callers are told that nobody knows.
func (p *Placer) mayStand(err error) bool {
	return p.passing != nil && p.passing(err) || errors.Is(err, context.DeadlineExceeded)
}

// decisions is what becomes of a batch: an outcome per request, the orders to
// insert, and every order that one of the keys has placed by then.
type decisions struct {
	outcomes []outcome
	fresh    []*State
	orders   map[Key]*State
	refused  bool
}

// decide takes the requests one after the other, as if each were alone: a
// request finds what those before it placed.
func (p *Placer) decide(batch []PlaceOrder, m permits, placed map[Key]*State, now time.Time) decisions {
	d := decisions{outcomes: make([]outcome, len(batch)), fresh: make([]*State, 0, len(batch)), orders: placed}
	for i, req := range batch {
		if was, ok := placed[req.Key]; ok {
			d.outcomes[i] = replay(req, was)
			continue
		}
		if err := m.refusal(i); err != nil {
			d.outcomes[i], d.refused = outcome{Err: err}, true
			continue
		}
		s := m.drafts[i].state // this batch's alone, until it is committed
		s.CreatedAt, s.Deadline = now, now.Add(p.limits.Deadline)
		placed[req.Key] = s
		d.fresh = append(d.fresh, s)
		d.outcomes[i] = outcome{Value: Placement{Order: s}}
	}
	return d
}

// replay answers a request whose key has placed an order. Finding our own id
// means that an earlier run of this very batch had committed after all.
func replay(req PlaceOrder, was *State) outcome {
	if was.Fingerprint != req.Fingerprint {
		return outcome{Err: apperr.New(apperr.Unprocessable, "idempotency_key_reused", "this Idempotency-Key was used with another body")}
	}
	return outcome{Value: Placement{Order: was.asPlaced(), Replayed: was.ID != req.id}}
}

// asPlaced is the order as its first reply showed it.
func (s *State) asPlaced() *State {
	placed := *s
	placed.Status, placed.Version, placed.Facts, placed.Reason = Pending, 1, 0, ""
	placed.ReservedAt, placed.PaidAt, placed.CompletedAt, placed.ClosedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	placed.RefundRequestedAt, placed.RefundedAt, placed.Return = time.Time{}, time.Time{}, ReturnTimes{}
	return &placed
}

func skusOf(batch []PlaceOrder) []SKU {
	seen := make(map[SKU]bool, len(batch))
	skus := make([]SKU, 0, len(batch))
	for _, req := range batch {
		for _, it := range req.Items {
			if !seen[it.SKU] {
				seen[it.SKU] = true
				skus = append(skus, it.SKU)
			}
		}
	}
	return skus
}

func keysOf(batch []PlaceOrder) []Key {
	keys := make([]Key, len(batch))
	for i, req := range batch {
		keys[i] = req.Key
	}
	return keys
}
