package audit

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"souk.example/contracts"
)

// reservationRow is the part of a row of reservation that the audit looks at.
type reservationRow struct {
	order  int64
	status string
	items  []byte
}

const selectReservations = "SELECT order_id, status, items FROM reservation ORDER BY order_id"

func (r *reservationRow) id() int64 { return r.order }

func (r *reservationRow) fields() []any { return []any{&r.order, &r.status, &r.items} }

// The statuses of a reservation.
const (
	held      = "HELD"
	committed = "COMMITTED"
	released  = "RELEASED"
	refused   = "REFUSED"
	returned  = "RETURNED"
)

// checkReservations holds every decision against what inventory told the world
// about it (7) and adds up what is held and sold of each SKU.
func checkReservations(ctx context.Context, s snapshots, f *findings) (map[string]units, error) {
	log, err := readEventLog(ctx, s.inventory, contracts.TopicInventory, f)
	if err != nil {
		return nil, err
	}
	taken := map[string]units{}
	var r reservationRow
	err = each(ctx, s.inventory, selectReservations, r.fields(), func() error {
		wanted, err := quantities(r.items)
		if err != nil {
			f.violated(Reservations, orderSubject(r.order), "its items: %v", err)
		}
		addUp(taken, r.status, wanted)
		checkAnswer("inventory", r.order, log[r.order].steps, expectedStockAnswer(r.status, wanted), f)
		delete(log, r.order)
		return nil
	})
	for id, said := range log {
		checkAnswer("inventory", id, said.steps, 0, f)
	}
	return taken, err
}

func addUp(taken map[string]units, status string, wanted map[string]int64) {
	for sku, n := range wanted {
		u := taken[sku]
		switch status {
		case held:
			u.held += n
		case committed:
			u.committed += n
		default:
			continue
		}
		taken[sku] = u
	}
}

// expectedStockAnswer is the event that a reservation was answered with. A
// release that came before its request left a tombstone without items, and had
// nothing to answer.
func expectedStockAnswer(status string, wanted map[string]int64) steps {
	switch {
	case len(wanted) == 0:
		return 0
	case status == refused:
		return stepsOf(contracts.InventoryRejected)
	case status == returned:
		return stepsOf(contracts.InventoryReserved, contracts.InventoryRestocked)
	}
	return stepsOf(contracts.InventoryReserved)
}

// quantities adds up the lines of an order or of a reservation by SKU.
func quantities(items []byte) (map[string]int64, error) {
	if len(items) == 0 {
		return nil, nil
	}
	var lines []struct {
		SKU      string `json:"sku"`
		Quantity int64  `json:"quantity"`
	}
	if err := json.Unmarshal(items, &lines); err != nil {
		return nil, err
	}
	sum := make(map[string]int64, len(lines))
	for _, l := range lines {
		sum[l.SKU] += l.Quantity
	}
	return sum, nil
}

// compareReservation holds stock against the order (2): what inventory has
// decided, order must have heard, and what order has decided, inventory.
func compareReservation(o *orderRow, r *reservationRow, f *findings) {
	if r == nil {
		f.suspect(Reservations, o.id, "it has no reservation: it is %s", o.status)
		return
	}
	agreed := map[string][]string{
		"RESERVED":  {held},
		"PAID":      {committed},
		"COMPLETED": {committed},
		"REJECTED":  {refused},
		"CANCELLED": {released, refused},
		"RETURNING": {committed, returned},
		"RETURNED":  {returned},
	}[o.status]
	if !slices.Contains(agreed, r.status) {
		f.suspect(Reservations, o.id, "order and reservation disagree: order %s, reservation %s", o.status, r.status)
	}
	ordered, _ := quantities(o.items)
	reserved, _ := quantities(r.items)
	if len(reserved) > 0 && !maps.Equal(ordered, reserved) {
		f.suspect(Reservations, o.id, "other units were reserved than were ordered: ordered %v, reserved %v", ordered, reserved)
	}
}
