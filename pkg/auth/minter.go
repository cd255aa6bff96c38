package auth

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"souk.example/pkg/config"
)

const defaultTTL = 15 * time.Minute

// MinterConfig is the signing key and the life of a token.
type MinterConfig struct {
	// PrivateKey is kid:base64 of an Ed25519 seed. Required.
	PrivateKey config.Secret `env:"SOUK_JWT_PRIVATE_KEY" usage:"signing key of access tokens, kid:base64 of an Ed25519 seed"`
	// TTL is how long a token is good; 0 is 15 minutes.
	TTL time.Duration `env:"SOUK_JWT_TTL" envDefault:"15m" usage:"life of an access token"`
}

func (c MinterConfig) withDefaults() MinterConfig {
	if c.TTL == 0 {
		c.TTL = defaultTTL
	}
	return c
}

// Validate reports settings that cannot work. An absent key is reported by
// NewMinter, so that the settings can be printed without one.
func (c MinterConfig) Validate() error {
	if c.TTL < 0 {
		return errors.New("SOUK_JWT_TTL must not be negative")
	}
	return nil
}

// Minter signs access tokens. Safe for concurrent use.
type Minter struct {
	kid string
	key ed25519.PrivateKey
	ttl time.Duration
}

// NewMinter makes a Minter.
func NewMinter(cfg MinterConfig) (*Minter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	kid, seed, err := parseKey(cfg.PrivateKey.Reveal(), ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("SOUK_JWT_PRIVATE_KEY: %w", err)
	}
	return &Minter{kid: kid, key: ed25519.NewKeyFromSeed(seed), ttl: cfg.TTL}, nil
}

// TTL is how long the Minter's tokens are good.
func (m *Minter) TTL() time.Duration { return m.ttl }

// Mint signs c. ExpiresAt of c is not used: the token expires a TTL from now,
// rounded up to the second, which is the instant returned. It costs about 30 µs of CPU.
func (m *Minter) Mint(c Claims) (token string, expiresAt time.Time, err error) {
	now := time.Now()
	expiresAt = now.Add(m.ttl + time.Second - 1).Truncate(time.Second)
	claims := tokenClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    issuer,
			Subject:   strconv.FormatInt(c.UserID, 10),
			Audience:  jwt.ClaimStrings{audience},
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(expiresAt),
		},
		Role: c.Role,
	}
	if c.SessionID != 0 {
		claims.SessionID = strconv.FormatInt(c.SessionID, 10)
	}
	if _, err := claims.claims(); err != nil {
		return "", time.Time{}, fmt.Errorf("mint token: %w", err)
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	t.Header["kid"] = m.kid
	t.Header["typ"] = tokenType
	token, err = t.SignedString(m.key)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("mint token: %w", err)
	}
	return token, expiresAt, nil
}
