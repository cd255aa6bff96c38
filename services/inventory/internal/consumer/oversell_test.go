package consumer_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"souk.example/contracts"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/services/inventory/internal/inventory"
)

// batchSizes are those of SOUK_BATCH_MAX or, without it, the two extremes.
func batchSizes(t *testing.T) []int {
	t.Helper()
	text := os.Getenv("SOUK_BATCH_MAX")
	if text == "" {
		return []int{1, 500}
	}
	size, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return []int{size}
}

// 2,000 orders of one unit want 500 units. Each order comes one to five times,
// in any order, through the whole inbox.
func TestStockIsNeverOversold(t *testing.T) {
	const orders, units = 2000, 500
	for _, size := range batchSizes(t) {
		t.Run(fmt.Sprintf("batch of %d", size), func(t *testing.T) {
			w := newWorld(t, map[inventory.SKU]int64{"HOT": units})
			bus := bustest.Memory(contracts.Partitions)
			last := publish(t, bus, shuffled(t, orders))
			run(t, w, bus, size, func() bool {
				committed, err := bus.Committed(t.Context(), contracts.GroupInventory, contracts.TopicOrder)
				return err == nil && fmt.Sprint(committed[contracts.TopicOrder]) == fmt.Sprint(last)
			})
			held := w.number(t, "SELECT COUNT(*) FROM reservation WHERE status = 'HELD'")
			refused := w.number(t, "SELECT COUNT(*) FROM reservation WHERE status = 'REFUSED'")
			if held != units || refused != orders-units {
				t.Errorf("%d held, %d refused", held, refused)
			}
			replies := w.said.types()
			if replies[contracts.InventoryReserved.Name] != units || replies[contracts.InventoryRejected.Name] != orders-units {
				t.Errorf("replies: %v", replies)
			}
			if n := w.number(t, "SELECT reserved FROM stock WHERE sku = 'HOT'"); n != units {
				t.Errorf("%d reserved", n)
			}
			w.balanced(t)
		})
	}
}
