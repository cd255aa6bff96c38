package store_test

import (
	"context"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/services/inventory/internal/inventory"
)

// Whatever was decided, on whatever was read: SQL itself takes no unit that is
// not there, and a batch that asks for one leaves nothing.
func TestStockMovesOnlyWhereThereIsEnough(t *testing.T) {
	s, _, db := newStore(t)
	add(t, s, product(t, "A", "Apple", 5), product(t, "B", "Pear", 5))
	hold := func(sku inventory.SKU, units int64) (inventory.MoveKey, inventory.Move) {
		return inventory.MoveKey{SKU: sku, Cause: inventory.CauseReserve}, inventory.Move{Available: -units, Reserved: units}
	}
	moves := inventory.Moves{}
	for sku, units := range map[inventory.SKU]int64{"A": 5, "B": 6} {
		key, move := hold(sku, units)
		moves[key] = move
	}
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return s.Unit(tx).Record(ctx, inventory.Decisions{Moves: moves, At: time.Now()})
	})
	if err == nil {
		t.Error("six of five units were held")
	}
	for _, sku := range []inventory.SKU{"A", "B"} {
		if got, err := s.Stock(t.Context(), sku); err != nil || got.Available != 5 || got.Reserved != 0 {
			t.Errorf("%s is %+v, %v", sku, got, err)
		}
	}
	balanced(t, db)
}
