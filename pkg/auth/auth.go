// Package auth mints and verifies access tokens.
package auth

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/config"
)

// Claims is what an access token says.
type Claims struct {
	UserID    int64
	Email     string
	Role      string
	SessionID int64
	ExpiresAt time.Time
}

// Config holds the public keys.
type Config struct {
	PublicKeys string `env:"SOUK_JWT_PUBLIC_KEYS"`
}

// Verifier verifies tokens.
type Verifier struct{}

// NewVerifier makes a Verifier.
func NewVerifier(cfg Config) (*Verifier, error) { return &Verifier{}, nil }

// Verify verifies.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	return Claims{}, errors.New("not built")
}

// MinterConfig holds the private key.
type MinterConfig struct {
	PrivateKey config.Secret `env:"SOUK_JWT_PRIVATE_KEY"`
	TTL        time.Duration `env:"SOUK_JWT_TTL"`
}

// Minter mints tokens.
type Minter struct{}

// NewMinter makes a Minter.
func NewMinter(cfg MinterConfig) (*Minter, error) { return &Minter{}, nil }

// Mint mints.
func (m *Minter) Mint(c Claims) (token string, expiresAt time.Time, err error) {
	return "", time.Time{}, errors.New("not built")
}

// GenerateKey generates.
func GenerateKey() (private config.Secret, public string, err error) {
	return "", "", errors.New("not built")
}
