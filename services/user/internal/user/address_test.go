package user_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/idgen"
	"souk.example/services/user/internal/user"
)

// lastAddress keeps the address that came last.
type lastAddress struct {
	user.Addresses
	address user.Address
}

func (l *lastAddress) Add(_ context.Context, a user.Address) (user.Address, error) {
	l.address = a
	return a, nil
}

func (l *lastAddress) Replace(_ context.Context, a user.Address) (user.Address, error) {
	l.address = a
	return a, nil
}

func home() user.Place {
	return user.Place{Recipient: "Alice 😀", Phone: "+86 (10) 1234-5678", Line1: "1 Main St.", City: "北京", Country: "CN"}
}

// saved is what becomes of a place; adding and replacing agree.
func saved(t *testing.T, p user.Place) (user.Place, error) {
	t.Helper()
	last := new(lastAddress)
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	book := user.NewAddressBook(last, idgen.Static(1), func() time.Time { return at })
	_, err := book.Add(t.Context(), 1, p)
	added := last.address
	_, again := book.Replace(t.Context(), 1, added.ID, p)
	if replaced := last.address; replaced.Place != added.Place || replaced.ID != added.ID || (err == nil) != (again == nil) {
		t.Errorf("added %+v, %v; replaced %+v, %v", added, err, replaced, again)
	}
	if err == nil && (added.ID == 0 || added.User != 1 || !added.CreatedAt.Equal(at) || !last.address.UpdatedAt.Equal(at)) {
		t.Errorf("got %+v", added)
	}
	return last.address.Place, err
}

func TestPlacesAreTrimmed(t *testing.T) {
	spaced := home()
	spaced.Recipient, spaced.Phone, spaced.Line1, spaced.Line2 = " Alice 😀\t", " +86 (10) 1234-5678 ", "1 Main St.\n", "  "
	if got, err := saved(t, spaced); err != nil || got != home() {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTheLongestPlaceIsAccepted(t *testing.T) {
	long := user.Place{
		Recipient: strings.Repeat("字", 100), Phone: strings.Repeat("0", 32), Line1: strings.Repeat("字", 200), Line2: strings.Repeat("字", 200),
		City: strings.Repeat("字", 100), Region: strings.Repeat("字", 100), PostalCode: strings.Repeat("字", 16), Country: "ZZ", Default: true,
	}
	if got, err := saved(t, long); err != nil || got != long {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestPlacesThatAreRefused(t *testing.T) {
	recipient := func(p *user.Place) *string { return &p.Recipient }
	phone := func(p *user.Place) *string { return &p.Phone }
	line1 := func(p *user.Place) *string { return &p.Line1 }
	line2 := func(p *user.Place) *string { return &p.Line2 }
	city := func(p *user.Place) *string { return &p.City }
	region := func(p *user.Place) *string { return &p.Region }
	postalCode := func(p *user.Place) *string { return &p.PostalCode }
	country := func(p *user.Place) *string { return &p.Country }
	for _, tt := range []struct {
		field string
		of    func(*user.Place) *string
		bad   []string
	}{
		{"recipient", recipient, []string{"", " \t", strings.Repeat("a", 101), "secret\x1b[31m", "se\u202ecret", "se\ncret"}},
		{"phone", phone, []string{"", "12", "secret", "1 secret 2", "+-()", "１２３４", strings.Repeat("1", 33), "123\x00456"}},
		{"line1", line1, []string{"", strings.Repeat("a", 201), "secret\u0007"}},
		{"line2", line2, []string{strings.Repeat("a", 201), "se\u2066cret"}},
		{"city", city, []string{"", strings.Repeat("a", 101), "se\rcret"}},
		{"region", region, []string{strings.Repeat("a", 101), "se\u200fcret"}},
		{"postal_code", postalCode, []string{strings.Repeat("1", 17), "se\tcret"}},
		{"country", country, []string{"", "C", "cn", "CHN", "C1", " CN", "ÄÖ", "国", "C\n"}},
	} {
		for _, bad := range tt.bad {
			p := home()
			*tt.of(&p) = bad
			_, err := saved(t, p)
			invalid, ok := errors.AsType[*user.InvalidError](err)
			if !ok || invalid.Field != tt.field || invalid.Code != "invalid_address" || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s %q: %v", tt.field, bad, err)
			}
		}
	}
}
