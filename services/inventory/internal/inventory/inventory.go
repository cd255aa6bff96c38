// Package inventory is the domain of the inventory service: what is sold, how
// much of it there is, and which order holds how much.
//
// Stock is decided here and nowhere else. An order's request is decided once:
// the reservation it leaves, a refusal or a tombstone included, answers every
// repetition.
package inventory

import (
	"errors"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
)

// SKU names a product: upper-case letters, digits and dashes, at most 64, the
// first no dash.
type SKU string

// OrderID is the id of an order.
type OrderID int64

// ParseSKU checks text from outside; false means that no product has this name.
func ParseSKU(text string) (SKU, bool) {
	if text == "" || len(text) > 64 || text[0] == '-' {
		return "", false
	}
	for _, b := range []byte(text) {
		if (b < 'A' || b > 'Z') && (b < '0' || b > '9') && b != '-' {
			return "", false
		}
	}
	return SKU(text), true
}

// Refusals of what a client asks for.
var (
	// ErrOtherVersion: the product has changed since the patch was made.
	ErrOtherVersion = errors.New("inventory: the product has another version")

	ErrProductNotFound = apperr.New(apperr.NotFound, contracts.CodeProductNotFound, "there is no such product")
	ErrSKUTaken        = apperr.New(apperr.Conflict, contracts.CodeSKUTaken, "the sku names another product")
	ErrBelowReserved   = apperr.New(apperr.Conflict, contracts.CodeBelowReserved, "fewer units are available than the adjustment takes away")
)

func invalid(field, detail string) error {
	return apperr.New(apperr.Unprocessable, "invalid_field", "a field is not valid").
		WithFields(apperr.Field{Field: field, Code: "invalid", Detail: detail})
}
