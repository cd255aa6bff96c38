package points_test

import (
	"testing"

	"go.uber.org/fx"

	"souk.example/pkg/config"
	"souk.example/services/points"
)

// The settings load with nothing but what every service must be told, and
// everything that the service is made of is provided, once.
func TestModuleIsComplete(t *testing.T) {
	cfg, err := config.Load[points.Config]("points", nil, []string{"SOUK_DATABASE_DSN=sqlite:unused.db"})
	if err != nil {
		t.Fatal(err)
	}
	if err := fx.ValidateApp(points.Module(cfg), fx.NopLogger); err != nil {
		t.Error(err)
	}
}
