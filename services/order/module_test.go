package order_test

import (
	"testing"

	"go.uber.org/fx"

	"souk.example/services/order"
)

// The parts list is complete: every constructor finds what it asks for.
func TestTheGraphIsWhole(t *testing.T) {
	if err := fx.ValidateApp(order.Module(order.Config{})); err != nil {
		t.Fatal(err)
	}
}
