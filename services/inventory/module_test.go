package inventory_test

import (
	"testing"

	"go.uber.org/fx"

	"souk.example/services/inventory"
)

func TestModuleIsComplete(t *testing.T) {
	if err := fx.ValidateApp(inventory.Module(inventory.Config{})); err != nil {
		t.Error(err)
	}
}
