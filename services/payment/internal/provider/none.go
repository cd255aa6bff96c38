package provider

import (
	"context"

	"souk.example/services/payment/internal/payment"
)

// None stands where no provider is configured: calls left from when there was
// one wait. It implements payment.Provider and payment.Statement.
type None struct{}

// Answer implements payment.Provider.
func (None) Answer(context.Context, payment.Call) (payment.Word, error) {
	return payment.Word{}, payment.ErrNotSent
}

// Room implements payment.Provider.
func (None) Room() int { return 0 }

// Charges implements payment.Statement.
func (None) Charges(context.Context, string, int) ([]payment.Line, bool, error) {
	return nil, false, nil
}
