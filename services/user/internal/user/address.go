package user

import (
	"context"
	"strings"
	"time"

	"souk.example/contracts"
)

// AddressID identifies an address.
type AddressID int64

// MaxAddresses is how many addresses a user may have.
const MaxAddresses = 20

// Place is what a user says of where things are to be sent. Line2, Region and
// PostalCode may be empty. It is personal: neither logs nor errors repeat it.
type Place struct {
	Recipient, Phone         string
	Line1, Line2             string
	City, Region, PostalCode string
	Country                  string // ISO 3166-1 alpha-2
	Default                  bool
}

// Address is a place that a user keeps; at most one of theirs is the default.
type Address struct {
	ID   AddressID
	User ID
	Place
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Addresses is where addresses are kept. Changes of one user's take turns. Of
// somebody else's address it says what it says of none: ErrAddressNotFound.
type Addresses interface {
	// Add keeps a new address and returns it: the user's first is the default
	// whatever it says. ErrTooManyAddresses when there are MaxAddresses.
	Add(ctx context.Context, a Address) (Address, error)
	// Replace puts a in the place of the one with its id and returns it;
	// CreatedAt stays.
	Replace(ctx context.Context, a Address) (Address, error)
	// Remove forgets one; no other becomes the default for it.
	Remove(ctx context.Context, owner ID, id AddressID) error
	// List returns the user's addresses after the one given, oldest first.
	List(ctx context.Context, owner ID, after AddressID, limit int) ([]Address, error)
}

// cleaned is p with its texts trimmed, or InvalidErrors.
func (p Place) cleaned() (Place, error) {
	var wrong InvalidErrors
	for _, text := range []struct {
		field    string
		value    *string
		min, max int
	}{
		{"recipient", &p.Recipient, 1, 100},
		{"phone", &p.Phone, 3, 32},
		{"line1", &p.Line1, 1, 200},
		{"line2", &p.Line2, 0, 200},
		{"city", &p.City, 1, 100},
		{"region", &p.Region, 0, 100},
		{"postal_code", &p.PostalCode, 0, 16},
	} {
		cleaned, invalid := cleanText(*text.value, text.field, contracts.CodeInvalidAddress, text.min, text.max)
		if invalid != nil {
			wrong = append(wrong, invalid)
		}
		*text.value = cleaned
	}
	if p.Phone != "" && !isPhone(p.Phone) { // without one it is wrong already
		wrong = append(wrong, &InvalidError{Field: "phone", Code: contracts.CodeInvalidAddress, Detail: "must have digits, and else only spaces and + - ( ) ."})
	}
	if !isCountry(p.Country) {
		wrong = append(wrong, &InvalidError{Field: "country", Code: contracts.CodeInvalidAddress, Detail: "must be two upper-case letters (ISO 3166-1 alpha-2)"})
	}
	if len(wrong) > 0 {
		return Place{}, wrong
	}
	return p, nil
}

func isPhone(s string) bool {
	const digits = "0123456789"
	return strings.ContainsAny(s, digits) && strings.Trim(s, digits+" +-().") == ""
}

func isCountry(s string) bool {
	return len(s) == 2 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
