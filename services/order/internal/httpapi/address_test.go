package httpapi_test

import (
	"strings"
	"testing"

	"souk.example/services/order/internal/order"
)

// Where an order goes is part of the request, and is shown as it was given.
func TestAnOrderKeepsItsAddress(t *testing.T) {
	s := newServer(t)
	to := func(address string) string {
		return strings.TrimSuffix(tea, "}") + `,"address_id":` + address + `}`
	}
	placed := s.do(1, "POST", "/v1/orders", "k", to(`"9007199254740993"`))
	if placed.code != 201 || placed.body["address_id"] != "9007199254740993" {
		t.Fatalf("placed %d %v", placed.code, placed.body)
	}
	id, _ := placed.body["id"].(string)
	if got := s.do(1, "GET", "/v1/orders/"+id, "", ""); got.body["address_id"] != "9007199254740993" {
		t.Errorf("read %v", got.body)
	}
	if other := s.do(1, "POST", "/v1/orders", "k", to(`"9007199254740994"`)); other.body["code"] != "idempotency_key_reused" {
		t.Errorf("another address under the same key: %d %v", other.code, other.body)
	}
	if none := s.do(1, "POST", "/v1/orders", "none", tea); none.code != 201 || none.body["address_id"] != nil {
		t.Errorf("without an address: %d %v", none.code, none.body)
	}
	for _, wrong := range []string{`"home"`, `"0"`, `"-1"`, `"+1"`, `"01"`, `"1 "`, `"9223372036854775808"`, `7`, `["1"]`} {
		if r := s.do(1, "POST", "/v1/orders", "wrong", to(wrong)); r.code != 422 {
			t.Errorf("address %s: %d %v", wrong, r.code, r.body)
		}
	}
	if states, err := s.store.List(t.Context(), 1, order.Filter{Limit: 10}); err != nil || len(states) != 2 {
		t.Errorf("%d orders stand, %v; want 2", len(states), err)
	}
}
