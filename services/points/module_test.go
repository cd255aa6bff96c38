package points_test

import (
	"testing"

	"go.uber.org/fx"

	"souk.example/services/points"
)

// Everything that the service is made of is provided, once.
func TestModuleIsComplete(t *testing.T) {
	if err := fx.ValidateApp(points.Module(points.Config{}), fx.NopLogger); err != nil {
		t.Error(err)
	}
}
