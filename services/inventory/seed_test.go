package inventory_test

import (
	"fmt"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/money"
	"souk.example/pkg/outbox"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/telemetry"
	"souk.example/services/inventory"
	"souk.example/services/inventory/migrations"
)

func TestSeedIsFastAndMayBeRepeated(t *testing.T) {
	db, ids := databasetest.Open(t, outbox.Migrations(), migrations.Set()), idgen.Static(1)
	box := outbox.New(db, ids, bustest.Memory(contracts.Partitions), outbox.Config{
		Source: "souk/inventory", Topics: contracts.Topics(), Partitions: contracts.Partitions, Partition: contracts.Partition,
	}, telemetry.Nop())
	products := make([]inventory.SeedProduct, 1001)
	for i := range products {
		products[i] = inventory.SeedProduct{SKU: fmt.Sprintf("SKU-%04d", i+1), Name: "Product", Price: money.Of(100, "CNY"), Stock: 10_000}
	}
	rdb := redistest.Open(t)
	begin := time.Now()
	for _, want := range []int{1001, 0} {
		created, err := inventory.Seed(t.Context(), db, rdb, box, ids, products)
		if err != nil || created != want {
			t.Fatalf("created %d, %v, want %d", created, err, want)
		}
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	var stock, ledger, packs int64
	err := db.QueryRow(t.Context(), "SELECT (SELECT SUM(available) FROM stock), (SELECT COUNT(*) FROM stock_ledger), (SELECT SUM(n) FROM event_log)").
		Scan(&stock, &ledger, &packs)
	if err != nil || stock != 10_010_000 || ledger != 1001 || packs != 1001 {
		t.Errorf("%d units, %d ledger rows, %d events, %v", stock, ledger, packs, err)
	}
}

func TestSeedRefusesABadProduct(t *testing.T) {
	db, ids := databasetest.Open(t, outbox.Migrations(), migrations.Set()), idgen.Static(1)
	created, err := inventory.Seed(t.Context(), db, redistest.Open(t), nil, ids, []inventory.SeedProduct{{SKU: "bad", Name: "x", Price: money.Of(1, "CNY")}})
	if err == nil || created != 0 {
		t.Errorf("created %d, %v", created, err)
	}
}
