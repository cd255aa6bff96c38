package order

import (
	"log/slog"
	"strings"
)

// CardToken is what the payment provider knows a card by. It is sent to
// payment and shown to nobody: every way of printing it says so.
type CardToken string

const redacted = "[redacted]"

// Reveal is the token itself, for storage and for payment.
func (t CardToken) Reveal() string { return string(t) }

// String implements fmt.Stringer.
func (t CardToken) String() string {
	if t == "" {
		return ""
	}
	return redacted
}

// GoString implements fmt.GoStringer.
func (t CardToken) GoString() string { return t.String() }

// MarshalText keeps the token out of JSON.
func (t CardToken) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue implements slog.LogValuer.
func (t CardToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// wellFormed: 1 to 255 visible ASCII characters that are no card's number.
func (t CardToken) wellFormed() bool {
	for _, c := range []byte(t) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(t) >= 1 && len(t) <= 255 && !t.isCardNumber()
}

// isCardNumber tells a primary account number, which must never be stored, by
// its 12 to 19 digits (ISO/IEC 7812), in groups or not.
func (t CardToken) isCardNumber() bool {
	digits := strings.ReplaceAll(string(t), "-", "")
	return len(digits) >= 12 && len(digits) <= 19 && strings.Trim(digits, "0123456789") == ""
}
