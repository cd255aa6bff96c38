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
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
