// Package money is amounts in integer minor units with their currency.
package money

import "errors"

// Currency is an ISO 4217 code in upper case.
type Currency string

// ParseCurrency accepts a known ISO 4217 code in upper case.
func ParseCurrency(s string) (Currency, error) { return Currency(s), nil }

// Amount is an amount of money.
type Amount struct {
	minor    int64
	currency Currency
}

// Of makes an Amount of minor units.
func Of(minor int64, c Currency) Amount { return Amount{minor: minor, currency: c} }

// Minor is the number of minor units.
func (a Amount) Minor() int64 { return a.minor }

// Currency is the amount's currency.
func (a Amount) Currency() Currency { return a.currency }

// IsZero reports whether there are no minor units.
func (a Amount) IsZero() bool { return a.minor == 0 }

// IsNegative reports whether the amount is below zero.
func (a Amount) IsNegative() bool { return a.minor < 0 }

// Add adds.
func (a Amount) Add(b Amount) (Amount, error) { return Amount{}, errors.New("not built") }

// Sub subtracts.
func (a Amount) Sub(b Amount) (Amount, error) { return Amount{}, errors.New("not built") }

// Mul multiplies.
func (a Amount) Mul(n int64) (Amount, error) { return Amount{}, errors.New("not built") }
