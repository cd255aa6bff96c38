package inventory

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"souk.example/pkg/money"
	"souk.example/pkg/plaintext"
)

// HomeCurrency is the one currency of the shop's prices.
const HomeCurrency money.Currency = "CNY"

// Limits of a product's texts, in characters, and of its price in minor units.
const (
	maxName        = 200
	maxDescription = 4000
	maxImageURL    = 1000
	maxPrice       = 1_000_000_000_00
)

// Product is one version of what is sold under a SKU.
type Product struct {
	SKU         SKU
	Name        string
	Description string
	Price       money.Amount
	ImageURL    string // "" for none
	Version     int64  // 1 for a new product, then up by one per change
	Withdrawn   bool   // no longer sold, no longer shown
	UpdatedAt   time.Time
}

// Listing is a product on sale with what is left of it.
type Listing struct {
	Product
	Available int64
}

// Patch is a change of a product; a nil field stays as it is.
type Patch struct {
	Name        *string
	Description *string
	Price       *money.Amount
	ImageURL    *string
	Withdrawn   *bool
	// Of are the versions that the patch is meant for; nil for any.
	Of []int64
}

// Change applies the patch at a time. It reports false, and leaves the version
// alone, when the product is like that already. ErrOtherVersion when the patch is meant
// for another.
func (p Product) Change(patch Patch, at time.Time) (changed Product, different bool, err error) {
	if patch.Of != nil && !slices.Contains(patch.Of, p.Version) {
		return p, false, ErrOtherVersion
	}
	next := p
	assign(&next.Name, patch.Name)
	assign(&next.Description, patch.Description)
	assign(&next.Price, patch.Price)
	assign(&next.ImageURL, patch.ImageURL)
	assign(&next.Withdrawn, patch.Withdrawn)
	if next == p {
		return p, false, nil
	}
	next.Version, next.UpdatedAt = p.Version+1, at
	return next, true, next.validate()
}

func assign[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

func (p Product) validate() error {
	if _, ok := ParseSKU(string(p.SKU)); !ok {
		return invalid("sku", "1 to 64 of A-Z, 0-9 and -, not beginning with -")
	}
	if !isLine(p.Name, maxName) {
		return invalid("name", "1 to 200 printable characters in one line")
	}
	if !isText(p.Description, maxDescription) {
		return invalid("description", "at most 4000 characters, no control characters but line breaks and tabs")
	}
	if p.Price.Currency() != HomeCurrency || p.Price.Minor() <= 0 || p.Price.Minor() > maxPrice {
		return invalid("price", "1 to 100000000000 minor units of CNY")
	}
	if !isImageURL(p.ImageURL) {
		return invalid("image_url", "empty, a path or an http(s) URL of at most 1000 characters")
	}
	return nil
}

// isText lets a description have lines, and the marks of direction that Arabic and
// Hebrew texts are written with.
func isText(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t'
	})
}

// isLine reports a text of one line in which there is something to see.
func isLine(s string, limit int) bool {
	return !plaintext.Blank(s) && utf8.RuneCountInString(s) <= limit && plaintext.Is(s)
}

// isImageURL accepts what a browser can load and nothing that it would run.
func isImageURL(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	if err != nil || !isLine(s, maxImageURL) {
		return false
	}
	isPath := u.Scheme == "" && u.Host == "" && strings.HasPrefix(s, "/")
	return isPath || (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
