package auth_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"souk.example/pkg/auth"
	"souk.example/pkg/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type keys struct {
	private config.Secret
	public  string
}

func generate(t testing.TB) keys {
	t.Helper()
	private, public, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return keys{private, public}
}

func (k keys) kid() string {
	kid, _, _ := strings.Cut(k.public, ":")
	return kid
}

func (k keys) raw(t testing.TB) (ed25519.PrivateKey, []byte) {
	t.Helper()
	_, seed, _ := strings.Cut(k.private.Reveal(), ":")
	_, public, _ := strings.Cut(k.public, ":")
	s, err1 := base64.StdEncoding.DecodeString(seed)
	p, err2 := base64.StdEncoding.DecodeString(public)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return ed25519.NewKeyFromSeed(s), p
}

func newPair(t testing.TB, k keys) (*auth.Minter, *auth.Verifier) {
	t.Helper()
	m, err := auth.NewMinter(auth.MinterConfig{PrivateKey: k.private})
	if err != nil {
		t.Fatal(err)
	}
	v, err := auth.NewVerifier(auth.Config{PublicKeys: k.public})
	if err != nil {
		t.Fatal(err)
	}
	return m, v
}

var alice = auth.Claims{UserID: 42, Role: auth.RoleUser, SessionID: 7}

func TestRoundTrip(t *testing.T) {
	m, v := newPair(t, generate(t))
	token, expires, err := m.Mint(alice)
	if err != nil {
		t.Fatal(err)
	}
	want := alice
	want.ExpiresAt = expires
	for range 2 { // the second time from the cache
		got, err := v.Verify(t.Context(), token)
		if err != nil || !got.ExpiresAt.Equal(expires) {
			t.Fatalf("got %+v, %v", got, err)
		}
		got.ExpiresAt = expires
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestExpiresThoughCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, v := newPair(t, generate(t))
		token, _, err := m.Mint(alice)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Minute)
		for range 2 { // once from the cache, once parsed anew
			if _, err := v.Verify(t.Context(), token); !errors.Is(err, auth.ErrExpired) {
				t.Errorf("got %v, want ErrExpired", err)
			}
		}
	})
}

// forge signs what the Minter never would.
func forge(t *testing.T, method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	for name, value := range header {
		token.Header[name] = value
	}
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func with(base map[string]any, name string, value any) map[string]any {
	changed := map[string]any{}
	for k, v := range base {
		changed[k] = v
	}
	if changed[name] = value; value == nil {
		delete(changed, name)
	}
	return changed
}

// respell changes the bits of the last base64 character that mean nothing: a
// second name for one token would have a second place in the cache.
func respell(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	return token[:last] + string(alphabet[strings.IndexByte(alphabet, token[last])^1])
}

func TestRefuses(t *testing.T) {
	k := generate(t)
	private, public := k.raw(t)
	_, v := newPair(t, k)
	other, _ := generate(t).raw(t)
	header := map[string]any{"kid": k.kid(), "typ": "at+jwt"}
	claims := map[string]any{
		"iss": "souk", "aud": "souk", "sub": "42", "role": "user", "sid": "7",
		"exp": time.Now().Add(time.Hour).Unix(),
	}
	ed := func(h, c map[string]any) string { return forge(t, jwt.SigningMethodEdDSA, private, h, c) }
	good := ed(header, claims)
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Fatalf("the untouched token must pass: %v", err)
	}

	tests := []struct {
		name  string
		token string
		want  error
	}{
		{"empty", "", auth.ErrInvalid},
		{"alg none", forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, header, claims), auth.ErrInvalid},
		{"HS256 with the public key", forge(t, jwt.SigningMethodHS256, public, header, claims), auth.ErrInvalid},
		{"another key under our kid", forge(t, jwt.SigningMethodEdDSA, other, header, claims), auth.ErrInvalid},
		{"kid with a path", ed(with(header, "kid", "../../dev/null"), claims), auth.ErrInvalid},
		{"kid is a number", ed(with(header, "kid", 1), claims), auth.ErrInvalid},
		{"no kid", ed(with(header, "kid", nil), claims), auth.ErrInvalid},
		{"jku", ed(with(header, "jku", "https://evil.example/keys"), claims), auth.ErrInvalid},
		{"jwk", ed(with(header, "jwk", map[string]any{"kty": "OKP"}), claims), auth.ErrInvalid},
		{"crit", ed(with(header, "crit", []string{"b64"}), claims), auth.ErrInvalid},
		{"another type of JWT", ed(with(header, "typ", "JWT"), claims), auth.ErrInvalid},
		{"expired", ed(header, with(claims, "exp", time.Now().Add(-time.Second).Unix())), auth.ErrExpired},
		{"no exp", ed(header, with(claims, "exp", nil)), auth.ErrInvalid},
		{"exp is text", ed(header, with(claims, "exp", "never")), auth.ErrInvalid},
		{"wrong audience", ed(header, with(claims, "aud", "other")), auth.ErrInvalid},
		{"no audience", ed(header, with(claims, "aud", nil)), auth.ErrInvalid},
		{"wrong issuer", ed(header, with(claims, "iss", "other")), auth.ErrInvalid},
		{"not before tomorrow", ed(header, with(claims, "nbf", time.Now().Add(24*time.Hour).Unix())), auth.ErrInvalid},
		{"no subject", ed(header, with(claims, "sub", nil)), auth.ErrInvalid},
		{"negative subject", ed(header, with(claims, "sub", "-1")), auth.ErrInvalid},
		{"unknown role", ed(header, with(claims, "role", "root")), auth.ErrInvalid},
		{"refresh token", "4f1c2a9be0a74d7f8e0b5c6d7e8f9a0b", auth.ErrInvalid},
		{"100,000 dots", strings.Repeat(".", 100_000), auth.ErrInvalid},
		{"2,000 dots", strings.Repeat(".", 2_000), auth.ErrInvalid},
		{"signed, and too long", ed(header, with(claims, "email", strings.Repeat("a", 4_000))), auth.ErrInvalid},
		{"the same signature in another spelling", respell(good), auth.ErrInvalid},
		{"changed payload", strings.Replace(good, ".ey", ".eY", 1), auth.ErrInvalid},
		{"truncated", good[:len(good)-1], auth.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, err := v.Verify(t.Context(), tt.token); !errors.Is(err, tt.want) {
				t.Errorf("got %+v, %v; want %v", c, err, tt.want)
			}
		})
	}
}

func TestKeysRotate(t *testing.T) {
	older, newer := generate(t), generate(t)
	v, err := auth.NewVerifier(auth.Config{PublicKeys: older.public + ", " + newer.public})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []keys{older, newer} {
		m, _ := newPair(t, k)
		token, _, err := m.Mint(alice)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("key %s: %v", k.kid(), err)
		}
	}
}

func TestBadKeys(t *testing.T) {
	good := generate(t)
	for _, bad := range []string{"", "k", "k:", "k:AAAA", "../k:" + strings.Repeat("A", 43) + "=", good.public + "," + good.public} {
		if _, err := auth.NewVerifier(auth.Config{PublicKeys: bad}); err == nil {
			t.Errorf("verifier accepted %q", bad)
		}
	}
	for _, bad := range []string{"", "k:AAAA", "k:not base64 hunter2"} {
		_, err := auth.NewMinter(auth.MinterConfig{PrivateKey: config.Secret(bad)})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("minter with %q: %v", bad, err)
		}
	}
}

func TestMintRefusesNonsense(t *testing.T) {
	m, _ := newPair(t, generate(t))
	for _, bad := range []auth.Claims{{Role: auth.RoleUser}, {UserID: 1}, {UserID: 1, Role: "root"}, {UserID: -1, Role: auth.RoleUser}} {
		if _, _, err := m.Mint(bad); err == nil {
			t.Errorf("minted %+v", bad)
		}
	}
}

func ExampleVerifier_Verify() {
	private, public, _ := auth.GenerateKey()
	minter, _ := auth.NewMinter(auth.MinterConfig{PrivateKey: private})
	verifier, _ := auth.NewVerifier(auth.Config{PublicKeys: public})
	token, _, _ := minter.Mint(auth.Claims{UserID: 1, Role: auth.RoleUser})
	claims, err := verifier.Verify(context.Background(), token)
	fmt.Println(claims.UserID, claims.Role, err)
	// Output: 1 user <nil>
}

func BenchmarkVerifyCached(b *testing.B) {
	m, v := newPair(b, generate(b))
	token, _, err := m.Mint(alice)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyNew(b *testing.B) {
	m, v := newPair(b, generate(b))
	token, _, err := m.Mint(alice)
	if err != nil {
		b.Fatal(err)
	}
	forged := token[:len(token)-10] + "AAAAAAAAAA" // never cached: the signature does not hold
	for b.Loop() {
		_, _ = v.Verify(b.Context(), forged)
	}
}

func BenchmarkVerifyDots(b *testing.B) {
	_, v := newPair(b, generate(b))
	dots := strings.Repeat(".", 100_000)
	for b.Loop() {
		_, _ = v.Verify(b.Context(), dots)
	}
}

func BenchmarkMint(b *testing.B) {
	m, _ := newPair(b, generate(b))
	for b.Loop() {
		if _, _, err := m.Mint(alice); err != nil {
			b.Fatal(err)
		}
	}
}
