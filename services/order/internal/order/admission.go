package order

import (
	"context"
	"fmt"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/money"
)

// Ask is an order that wants to be admitted to the stock.
type Ask struct {
	Order ID
	Key   Key
	Items []Item
}

// Admission is the answer to an Ask. The zero value lets the request pass.
type Admission struct {
	Held       bool          // units, by this request: to be withdrawn when it places no order
	Short      bool          // too little is left
	Item       int           // of the first item that is short
	RetryAfter time.Duration // when it is worth asking again, because units may come back; else 0
}

// refusal is why the request must not pass, nil when it may.
func (a Admission) refusal() error {
	if !a.Short {
		return nil
	}
	field := apperr.Field{Field: fmt.Sprintf("items[%d].sku", a.Item), Code: contracts.CodeOutOfStock, Detail: "too little is left"}
	if a.RetryAfter == 0 {
		return apperr.New(apperr.Conflict, contracts.CodeOutOfStock, "too little is left of what is ordered").WithFields(field)
	}
	field.Code = contracts.CodeWaitingRoom
	const detail = "the last units are held for orders of others: some may come back"
	return apperr.New(apperr.TooMany, contracts.CodeWaitingRoom, detail).WithFields(field).WithRetryAfter(a.RetryAfter)
}

// permits are what a batch was permitted before its transaction, by request.
type permits struct {
	drafts     []draft
	slots      []Slot
	admissions []Admission
}

// draft is the order that a request asks for, at today's prices, or why it
// cannot be one.
type draft struct {
	state *State
	err   error
}

func draftsOf(batch []PlaceOrder, prices map[SKU]money.Amount) []draft {
	drafts := make([]draft, len(batch))
	for i, req := range batch {
		drafts[i].state, drafts[i].err = req.price(prices)
	}
	return drafts
}

// refusal is why request i must not pass, nil when it may.
func (m permits) refusal(i int) error {
	if err := m.drafts[i].err; err != nil {
		return err
	}
	if err := m.slots[i].refusal(); err != nil {
		return err
	}
	return m.admissions[i].refusal()
}

// unrefused are the places of those who pass so far.
func (m permits) unrefused() (places []int) {
	for i := range m.drafts {
		if m.refusal(i) == nil {
			places = append(places, i)
		}
	}
	return places
}

// permit asks for slots for what can be ordered, and the gate for units only for
// those who have one: units that one holds who cannot place an order are kept
// from all others.
func (p *Placer) permit(ctx context.Context, batch []PlaceOrder, drafts []draft) permits {
	m := permits{drafts: drafts, slots: make([]Slot, len(batch)), admissions: make([]Admission, len(batch))}
	if places := m.unrefused(); len(places) > 0 {
		for i, slot := range p.holds.Take(ctx, pick(batch, places, func(req PlaceOrder) Key { return req.Key })) {
			m.slots[places[i]] = slot
		}
	}
	if places := m.unrefused(); len(places) > 0 {
		for i, a := range p.gate.Admit(ctx, pick(batch, places, PlaceOrder.ask)) {
			m.admissions[places[i]] = a
		}
	}
	return m
}

// pick maps the requests at these places.
func pick[T any](batch []PlaceOrder, places []int, of func(PlaceOrder) T) []T {
	picked := make([]T, len(places))
	for i, place := range places {
		picked[i] = of(batch[place])
	}
	return picked
}

// giveBack ends what was permitted and not used: slots of what is no open order
// now, which is what was refused and what replays an order that has been decided;
// and units of what placed no order.
func (p *Placer) giveBack(ctx context.Context, batch []PlaceOrder, m permits, orders map[Key]*State) {
	var keys []Key
	var asks []Ask
	for i, req := range batch {
		s, placed := orders[req.Key]
		if m.slots[i].Taken && (!placed || !s.Status.Cancellable()) {
			keys = append(keys, req.Key)
		}
		if m.admissions[i].Held && (!placed || s.ID != req.id) {
			asks = append(asks, req.ask())
		}
	}
	if len(keys) > 0 {
		p.holds.Free(ctx, keys)
	}
	if len(asks) > 0 {
		p.gate.Withdraw(ctx, asks)
	}
}

func (req PlaceOrder) ask() Ask { return Ask{Order: req.id, Key: req.Key, Items: req.Items} }
