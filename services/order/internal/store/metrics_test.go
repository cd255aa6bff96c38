package store_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"souk.example/services/order/internal/order"
)

func TestARecallIsAHitOrAMiss(t *testing.T) {
	here, _, _ := twoProcesses(t)
	registry := prometheus.NewRegistry()
	if err := here.Register(registry); err != nil {
		t.Fatal(err)
	}
	if err := insert(t, here, pending(7, 1, "k")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []order.ID{7, 7, 8} {
		recalls(t, here, id)
	}
	const want = `
# HELP souk_order_recalled_total Orders that learnt a fact, by whether this process remembered them (hit) or read them (miss).
# TYPE souk_order_recalled_total counter
souk_order_recalled_total{result="hit"} 2
souk_order_recalled_total{result="miss"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "souk_order_recalled_total"); err != nil {
		t.Error(err)
	}
}

// An order counts once in each status that it passes through, and not before
// that is committed.
func TestOrdersAreCountedByStatus(t *testing.T) {
	s, _ := open(t)
	registry := prometheus.NewRegistry()
	if err := s.Register(registry); err != nil {
		t.Fatal(err)
	}
	if err := insert(t, s, pending(7, 1, "k"), pending(8, 1, "l")); err != nil {
		t.Fatal(err)
	}
	if err := insert(t, s, pending(9, 1, "k")); err == nil {
		t.Fatal("a key placed two orders")
	}
	for _, reports := range [][]order.Report{
		{{Order: 7, Fact: order.StockReserved}, {Order: 7, Fact: order.Captured}},
		{{Order: 7, Fact: order.Captured}, {Order: 8, Fact: order.StockRefused}},
	} {
		if err := learn(t, s, reports...); err != nil {
			t.Fatal(err)
		}
	}
	const want = `
# HELP souk_orders_total Orders that entered a status, as this process committed it.
# TYPE souk_orders_total counter
souk_orders_total{status="CANCELLED"} 0
souk_orders_total{status="COMPLETED"} 0
souk_orders_total{status="PAID"} 1
souk_orders_total{status="PENDING"} 2
souk_orders_total{status="REJECTED"} 1
souk_orders_total{status="RESERVED"} 1
souk_orders_total{status="RETURNED"} 0
souk_orders_total{status="RETURNING"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "souk_orders_total"); err != nil {
		t.Error(err)
	}
}
