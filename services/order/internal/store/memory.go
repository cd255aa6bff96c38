package store

import (
	"fmt"

	"souk.example/pkg/database"
	"souk.example/pkg/recall"
	"souk.example/services/order/internal/order"
)

// memoryMax bounds the orders that one process remembers: 512 bytes each, and its lines and strings.
const memoryMax = 1 << 16

// memory holds orders while good news move them.
type memory = recall.Memory[order.ID, *order.State]

func newMemory() *memory {
	open := func(s *order.State) bool {
		return s.Status == order.Pending || s.Status == order.Reserved || s.Status == order.Paid
	}
	return recall.New(memoryMax, func(s *order.State) order.ID { return s.ID }, open)
}

// Recall implements order.Unit.
func (u unit) Recall(ids []order.ID) map[order.ID]*order.State { return u.memory.Find(ids) }

// Mistrust implements order.Unit.
func (u unit) Mistrust(ids []order.ID) error {
	u.memory.Forget(ids)
	return fmt.Errorf("%d orders: %w", len(ids), database.ErrStale)
}

func (u unit) remember(updates []order.Update) {
	states := make([]*order.State, len(updates))
	for i, up := range updates {
		states[i] = up.After
	}
	u.keep(states)
}

// keep remembers orders as they are once this is committed, and has it told.
func (u unit) keep(states []*order.State) {
	u.tx.OnCommit(func() {
		u.memory.Keep(states)
		if u.herald != nil {
			u.herald.Moved(states)
		}
	})
}
