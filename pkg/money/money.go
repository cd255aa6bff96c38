// Package money is amounts of money as integers of the currency's minor unit
// (cents, fen). There is no float anywhere: every operation is exact or an
// error.
package money

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

// Errors of arithmetic and parsing.
var (
	ErrOverflow = errors.New("money: amount out of range")
	ErrMismatch = errors.New("money: different currencies")
	ErrCurrency = errors.New("money: unknown currency")
)

// Amount is an amount of money in one currency, in the range of int64 minor
// units. It is a comparable value; the zero value is nothing in no currency.
type Amount struct {
	minor    int64
	currency Currency
}

// Of is an amount of minor units of c. It does not check c; what comes from
// outside goes through ParseCurrency or JSON.
func Of(minor int64, c Currency) Amount { return Amount{minor: minor, currency: c} }

// Minor is the number of minor units.
func (a Amount) Minor() int64 { return a.minor }

// Currency is the amount's currency.
func (a Amount) Currency() Currency { return a.currency }

// IsZero reports whether the amount is nothing, in whatever currency.
func (a Amount) IsZero() bool { return a.minor == 0 }

// IsNegative reports whether the amount is below zero.
func (a Amount) IsNegative() bool { return a.minor < 0 }

// Add is a + b; ErrMismatch or ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.currency != b.currency {
		return Amount{}, fmt.Errorf("%w: %s and %s", ErrMismatch, a.currency, b.currency)
	}
	sum := a.minor + b.minor
	if (sum > a.minor) != (b.minor > 0) && b.minor != 0 {
		return Amount{}, ErrOverflow
	}
	return Of(sum, a.currency), nil
}

// Sub is a - b; ErrMismatch or ErrOverflow.
func (a Amount) Sub(b Amount) (Amount, error) {
	if a.currency != b.currency {
		return Amount{}, fmt.Errorf("%w: %s and %s", ErrMismatch, a.currency, b.currency)
	}
	difference := a.minor - b.minor
	if (difference < a.minor) != (b.minor > 0) && b.minor != 0 {
		return Amount{}, ErrOverflow
	}
	return Of(difference, a.currency), nil
}

// Mul is a taken n times, or ErrOverflow.
func (a Amount) Mul(n int64) (Amount, error) {
	high, low := bits.Mul64(magnitude(a.minor), magnitude(n))
	negative := (a.minor < 0) != (n < 0)
	switch {
	case high != 0 || low > math.MaxInt64+1 || low > math.MaxInt64 && !negative:
		return Amount{}, ErrOverflow
	case negative:
		return Of(-int64(low), a.currency), nil // -MinInt64 wraps to MinInt64, which is meant
	}
	return Of(int64(low), a.currency), nil
}

// magnitude is |n|, right for math.MinInt64 too.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// String is for logs, for example "12990 CNY" (minor units).
func (a Amount) String() string { return fmt.Sprintf("%d %s", a.minor, a.currency) }

// wire is an Amount in JSON. Pointers tell absent from zero.
type wire struct {
	Amount   *int64    `json:"amount"`
	Currency *Currency `json:"currency"`
}

// MarshalJSON writes {"amount":12990,"currency":"CNY"}.
func (a Amount) MarshalJSON() ([]byte, error) {
	text := append(make([]byte, 0, 48), `{"amount":`...)
	text = strconv.AppendInt(text, a.minor, 10)
	text = append(text, `,"currency":`...)
	text = strconv.AppendQuote(text, string(a.currency))
	return append(text, '}'), nil
}

// UnmarshalJSON accepts exactly what MarshalJSON writes: both fields, nothing
// else, an integer and a currency that ParseCurrency knows.
func (a *Amount) UnmarshalJSON(data []byte) error {
	var names map[string]json.RawMessage // encoding/json would take "Amount" for "amount"
	if err := json.Unmarshal(data, &names); err != nil {
		return fmt.Errorf("money: %w", err)
	}
	if len(names) != 2 || names["amount"] == nil || names["currency"] == nil {
		return errors.New("money: amount and currency are required, and nothing else")
	}
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("money: %w", err)
	}
	if w.Amount == nil || w.Currency == nil {
		return errors.New("money: amount and currency must not be null")
	}
	c, err := ParseCurrency(string(*w.Currency))
	if err != nil {
		return err
	}
	*a = Of(*w.Amount, c)
	return nil
}
