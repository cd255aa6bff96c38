package gateway_test

import (
	"testing"

	"go.uber.org/fx"

	"souk.example/services/gateway"
)

// The parts list is complete: every constructor finds what it asks for.
func TestTheGraphIsWhole(t *testing.T) {
	if err := fx.ValidateApp(gateway.Module(gateway.Config{})); err != nil {
		t.Fatal(err)
	}
}
