package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/maypok86/otter/v2"
)

const (
	// maxToken bounds the work a hostile token can cause: nothing longer is
	// hashed or parsed. Ours have about 400 bytes.
	maxToken = 2 << 10

	defaultCacheSize = 20_000
)

// Config is the keys whose tokens are accepted.
type Config struct {
	// PublicKeys is a comma separated list of kid:base64 of raw Ed25519
	// public keys; several while keys rotate. Required.
	PublicKeys string `env:"SOUK_JWT_PUBLIC_KEYS" usage:"verification keys of access tokens, kid:base64, comma separated"`
	// CacheSize bounds the verified tokens remembered, of about 300 bytes
	// each; 0 is 20,000.
	CacheSize int `env:"SOUK_JWT_CACHE_SIZE" usage:"verified tokens to remember"`
}

// WithDefaults returns what a Verifier goes by: 0 stands for the default.
func (c Config) WithDefaults() Config {
	if c.CacheSize == 0 {
		c.CacheSize = defaultCacheSize
	}
	return c
}

// Validate reports settings that cannot work. Absent keys are reported by
// NewVerifier.
func (c Config) Validate() error {
	if c.CacheSize < 0 {
		return errors.New("SOUK_JWT_CACHE_SIZE must not be negative")
	}
	return nil
}

// Verifier verifies access tokens. Safe for concurrent use.
type Verifier struct {
	keys   map[string]ed25519.PublicKey
	parser *jwt.Parser
	// verified is keyed by the token's SHA-256, so that memory holds no
	// token. It has no clock of its own: expiry is checked on every use.
	verified *otter.Cache[[sha256.Size]byte, Claims]
}

// NewVerifier makes a Verifier.
func NewVerifier(cfg Config) (*Verifier, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	keys, err := parsePublicKeys(cfg.PublicKeys)
	if err != nil {
		return nil, err
	}
	verified, err := otter.New(&otter.Options[[sha256.Size]byte, Claims]{MaximumSize: cfg.CacheSize})
	if err != nil {
		return nil, fmt.Errorf("make token cache: %w", err)
	}
	return &Verifier{keys: keys, parser: newParser(), verified: verified}, nil
}

func newParser() *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(audience),
		jwt.WithExpirationRequired(),
		jwt.WithStrictDecoding(),
	)
}

// Verify checks a compact token and returns its claims, or ErrInvalid or
// ErrExpired with the reason as its cause. A token seen before costs one
// SHA-256; a new one an Ed25519 verification (about 60 µs). It does not block.
func (v *Verifier) Verify(_ context.Context, token string) (Claims, error) {
	if len(token) > maxToken {
		return Claims{}, ErrInvalid.With(errors.New("too long"))
	}
	key := sha256.Sum256([]byte(token))
	if c, ok := v.verified.GetIfPresent(key); ok {
		if time.Now().Before(c.ExpiresAt) {
			return c, nil
		}
		v.verified.Invalidate(key)
		return Claims{}, ErrExpired
	}
	c, err := v.parse(token)
	if err != nil {
		return Claims{}, err
	}
	v.verified.Set(key, c)
	return c, nil
}

func (v *Verifier) parse(token string) (Claims, error) {
	var wire tokenClaims
	_, err := v.parser.ParseWithClaims(token, &wire, v.key)
	if errors.Is(err, jwt.ErrTokenExpired) {
		return Claims{}, ErrExpired.With(err)
	}
	if err != nil {
		return Claims{}, ErrInvalid.With(err)
	}
	c, err := wire.claims()
	if err != nil {
		return Claims{}, ErrInvalid.With(err)
	}
	return c, nil
}

// key picks the verification key by kid from the configured ones. A token
// whose header says anything but alg, kid and typ is not ours: jku, jwk, x5u
// and crit would tell us where to find keys or how to read it.
func (v *Verifier) key(t *jwt.Token) (any, error) {
	if len(t.Header) != 3 || t.Header["typ"] != tokenType {
		return nil, errors.New("unexpected header")
	}
	kid, _ := t.Header["kid"].(string)
	key, ok := v.keys[kid]
	if !ok {
		return nil, errors.New("unknown key id")
	}
	return key, nil
}
