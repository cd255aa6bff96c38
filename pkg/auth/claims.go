// Package auth mints and verifies souk's access tokens: JSON Web Tokens
// (RFC 7519, profile of RFC 9068) signed with Ed25519 (RFC 8037). Every
// service verifies the token itself with public keys from its configuration;
// only the user service holds a private key.
//
// Access tokens are short-lived and cannot be revoked. Refresh tokens are not
// JWTs and are none of this package's business.
package auth

import (
	"errors"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"souk.example/pkg/apperr"
)

// Roles of a caller.
const (
	RoleUser  = "user"
	RoleAdmin = "admin"
)

const (
	issuer    = "souk"
	audience  = "souk"
	tokenType = "at+jwt" // keeps any other JWT we may sign from passing as an access token
)

// Errors of Verify, both apperr.Unauthenticated.
var (
	ErrInvalid = apperr.New(apperr.Unauthenticated, "invalid_token", "the access token is not valid")
	ErrExpired = apperr.New(apperr.Unauthenticated, "token_expired", "the access token has expired")
)

// Claims is what an access token says about its bearer.
// It has no personal data besides the id: a token can be read by all who see it.
type Claims struct {
	UserID    int64
	Role      string // RoleUser or RoleAdmin
	SessionID int64  // 0 for a token that belongs to no session
	ExpiresAt time.Time
}

// tokenClaims is Claims on the wire; ids are decimal strings there.
type tokenClaims struct {
	jwt.RegisteredClaims
	Role      string `json:"role"`
	SessionID string `json:"sid,omitempty"`
}

func (t *tokenClaims) claims() (Claims, error) {
	c := Claims{Role: t.Role, ExpiresAt: t.ExpiresAt.Time}
	var err error
	if c.UserID, err = parseID(t.Subject); err != nil {
		return Claims{}, err
	}
	if t.SessionID != "" {
		if c.SessionID, err = parseID(t.SessionID); err != nil {
			return Claims{}, err
		}
	}
	if c.Role != RoleUser && c.Role != RoleAdmin {
		return Claims{}, errors.New("unknown role")
	}
	return c, nil
}

func parseID(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id <= 0 {
		return 0, errors.New("malformed id")
	}
	return id, nil
}
