package payment_test

import (
	"testing"

	"go.uber.org/fx"

	"souk.example/services/payment"
)

// Everything that the service is made of is provided, once.
func TestModuleIsComplete(t *testing.T) {
	if err := fx.ValidateApp(payment.Module(payment.Config{}), fx.NopLogger); err != nil {
		t.Error(err)
	}
}
