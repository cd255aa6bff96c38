package user_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"souk.example/services/user/internal/user"
)

func TestParseEmailNormalises(t *testing.T) {
	for given, want := range map[string]user.Email{
		"demo@souk.example":               "demo@souk.example",
		"  Demo@SOUK.Example \n":          "demo@souk.example",
		"a.b+c_d'e@x-y.example.co":        "a.b+c_d'e@x-y.example.co",
		"me@xn--bcher-kva.example":        "me@xn--bcher-kva.example",
		strings.Repeat("a", 64) + "@b.co": user.Email(strings.Repeat("a", 64) + "@b.co"),
	} {
		if got, err := user.ParseEmail(given); err != nil || got != want {
			t.Errorf("%q: got %q, %v", given, got, err)
		}
	}
}

func TestParseEmailRefuses(t *testing.T) {
	for _, bad := range []string{
		"", "@", "a@", "@b.co", "a", "a@b", "a@@b.co", "a@b@c.co", "a b@c.co", ".a@b.co", "a.@b.co", "a..b@c.co",
		"a@-b.co", "a@b-.co", "a@.co", "a@b..co", "a@b.co.", `"a b"@c.co`, "a@[127.0.0.1]",
		"dеmo@souk.example",                                          // Cyrillic е
		"demo@soսk.example",                                          // Armenian ս
		"ｄemo@souk.example", "İ@souk.example", "\u212a@souk.example", // full width, dotted İ, Kelvin sign
		"a\x00@b.co", "a@b.co\x1b[31m", "a@b.co\r\nBcc: c@d.co", "' OR 1=1--", "a@b.co' OR 1=1--",
		strings.Repeat("a", 65) + "@b.co", "a@" + strings.Repeat("b", 64) + ".co", "a@" + strings.Repeat("b.", 130) + "co",
	} {
		var invalid *user.InvalidError
		if got, err := user.ParseEmail(bad); !errors.As(err, &invalid) || invalid.Field != "email" {
			t.Errorf("%q: got %q, %v", bad, got, err)
		}
	}
}

// accounts is an in-memory user.Accounts.
type accounts map[user.Email]user.User

func (a accounts) Add(_ context.Context, u user.User) error {
	if _, taken := a[u.Email]; taken {
		return user.ErrEmailTaken
	}
	a[u.Email] = u
	return nil
}

func (a accounts) ByEmail(_ context.Context, e user.Email) (user.User, error) {
	if u, ok := a[e]; ok {
		return u, nil
	}
	return user.User{}, user.ErrNotFound
}

func (a accounts) ByID(context.Context, user.ID) (user.User, error) {
	return user.User{}, user.ErrNotFound
}

func (a accounts) Update(context.Context, user.ID, func(*user.User) error) (user.User, error) {
	return user.User{}, user.ErrNotFound
}

// hasher is quick and remembers what it was asked.
type hasher struct{ hashed, verified []string }

func (h *hasher) Hash(_ context.Context, password string) (string, error) {
	h.hashed = append(h.hashed, password)
	return "hash of " + password, nil
}

func (h *hasher) Verify(_ context.Context, password, hash string) (bool, error) {
	h.verified = append(h.verified, hash)
	return hash == "hash of "+password, nil
}

type counter int64

func (c *counter) Next() (int64, error) { *c++; return int64(*c), nil }

func register(t *testing.T, h *hasher, a accounts, cmd user.Registration) (user.User, error) {
	t.Helper()
	return user.NewRegistrar(a, h, new(counter), time.Now).Register(t.Context(), cmd)
}

func TestRegister(t *testing.T) {
	h, a := &hasher{}, accounts{}
	u, err := register(t, h, a, user.Registration{Email: " Alice@Souk.Example", Password: "wonderland!", Name: " Alice "})
	if err != nil || u.Email != "alice@souk.example" || u.Name != "Alice" || u.Role != user.Shopper || u.ID != 1 {
		t.Fatalf("got %+v, %v", u, err)
	}
	_, err = register(t, h, a, user.Registration{Email: "ALICE@souk.example", Password: "wonderland!", Name: "A"})
	if !errors.Is(err, user.ErrEmailTaken) {
		t.Errorf("case variant: %v", err)
	}
}

// What is refused is refused before the password is hashed.
func TestRegisterRefusesCheaply(t *testing.T) {
	good := user.Registration{Email: "a@souk.example", Password: "wonderland!", Name: "Alice"}
	tests := []struct {
		name   string
		change func(*user.Registration)
		field  string
	}{
		{"short password", func(r *user.Registration) { r.Password = "123456789" }, "password"},
		{"no password", func(r *user.Registration) { r.Password = "" }, "password"},
		{"129 characters", func(r *user.Registration) { r.Password = strings.Repeat("ab1", 43) }, "password"},
		{"1 MB password", func(r *user.Registration) { r.Password = strings.Repeat("abc", 1<<20/3) }, "password"},
		{"one character", func(r *user.Registration) { r.Password = strings.Repeat("x", 20) }, "password"},
		{"password is the address", func(r *user.Registration) { r.Password = "A@souk.example" }, "password"},
		{"no name", func(r *user.Registration) { r.Name = "  " }, "name"},
		{"long name", func(r *user.Registration) { r.Name = strings.Repeat("n", 101) }, "name"},
		{"line feed in the name", func(r *user.Registration) { r.Name = "a\nb" }, "name"},
		{"ANSI in the name", func(r *user.Registration) { r.Name = "\x1b[31mred" }, "name"},
		{"turned around", func(r *user.Registration) { r.Name = "a\u202eb" }, "name"},
		{"bad address", func(r *user.Registration) { r.Email = "nobody" }, "email"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, cmd := &hasher{}, good
			tt.change(&cmd)
			_, err := register(t, h, accounts{}, cmd)
			invalid, ok := errors.AsType[*user.InvalidError](err)
			if !ok || invalid.Field != tt.field || len(h.hashed) != 0 {
				t.Errorf("got %v, hashed %d times", err, len(h.hashed))
			}
		})
	}
	for _, password := range []string{strings.Repeat("ab", 64), strings.Repeat("密码", 5)} {
		cmd := good
		cmd.Password = password
		if _, err := register(t, &hasher{}, accounts{}, cmd); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

type noSessions struct{ user.Sessions }

// An unknown address does the work of a wrong password.
func TestLoginDoesTheSameWorkForNobody(t *testing.T) {
	h := &hasher{}
	a := accounts{"load@souk.example": {Email: "load@souk.example", PasswordHash: user.Unusable}}
	d := user.NewDoorkeeper(a, noSessions{}, h, nil, new(counter), time.Now)
	for _, email := range []string{"nobody@souk.example", "not an address", "load@souk.example"} {
		if _, err := d.Login(t.Context(), email, "some password"); !errors.Is(err, user.ErrInvalidCredentials) {
			t.Errorf("%s: %v", email, err)
		}
	}
	if fmt.Sprint(h.verified) != "[! ! !]" {
		t.Errorf("verified against %v", h.verified)
	}
	if _, err := d.Login(t.Context(), "load@souk.example", strings.Repeat("x", 1<<20)); !errors.Is(err, user.ErrInvalidCredentials) || len(h.verified) != 3 {
		t.Errorf("1 MB password: %v, %d verified", err, len(h.verified))
	}
}

func ExampleParseEmail() {
	email, err := user.ParseEmail(" Demo@Souk.Example ")
	fmt.Println(email, err)
	// Output: demo@souk.example <nil>
}
