package store

import (
	"context"
	"slices"

	"souk.example/pkg/inbox"
	"souk.example/pkg/recall"
	"souk.example/services/inventory/internal/inventory"
)

// memoryMax bounds the reservations that one process remembers: 200 bytes each,
// and its lines.
const memoryMax = 1 << 16

// memory holds reservations while they hold stock.
type memory = recall.Memory[inventory.OrderID, inventory.Reservation]

func newMemory() *memory {
	key := func(r inventory.Reservation) inventory.OrderID { return r.Order }
	return recall.New(memoryMax, key, func(r inventory.Reservation) bool { return r.Status == inventory.Held })
}

// Fresh implements inventory.Unit.
func (u unit) Fresh(ctx context.Context) bool { return inbox.Fresh(ctx) }

// Recall implements inventory.Unit.
func (u unit) Recall(orders []inventory.OrderID) map[inventory.OrderID]inventory.Reservation {
	return u.memory.Find(orders)
}

func (u unit) remember(d inventory.Decisions) {
	decided := slices.Clone(d.New)
	for _, c := range d.Changed {
		decided = append(decided, c.After)
	}
	u.tx.OnCommit(func() { u.memory.Keep(decided) })
}
