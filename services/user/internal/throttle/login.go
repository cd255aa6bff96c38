// Package throttle bounds how often somebody may guess the password of an
// account.
package throttle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"souk.example/pkg/ratelimit"
	"souk.example/services/user/internal/user"
)

// Doorkeeper opens and refreshes sessions.
type Doorkeeper interface {
	Login(ctx context.Context, email, password string) (user.Grant, error)
	Refresh(ctx context.Context, token user.RefreshToken) (user.Grant, error)
}

// Limiter is the part of *ratelimit.Limiter that is needed.
type Limiter interface {
	Allow(ctx context.Context, key string) (ratelimit.Result, error)
	Return(ctx context.Context, key string, n int64, r ratelimit.Result)
}

// TooManyError refuses a login before the password was looked at.
type TooManyError struct{ Limit ratelimit.Result }

// Error implements error.
func (*TooManyError) Error() string { return "throttle: too many failed logins of this account" }

// Logins is a Doorkeeper that refuses an account's logins, with a
// *TooManyError, once too many have failed. Only wrong passwords count: each
// attempt takes a token first, so that many at once are bounded too, and gives
// it back unless it turns out to be one. Accounts that do not exist are limited
// alike. Sessions that are open can be refreshed all the while, so whoever is
// logged in does not suffer from those who guess.
type Logins struct {
	Doorkeeper
	limiter Limiter
}

// NewLogins makes a Logins in front of next.
func NewLogins(next Doorkeeper, limiter Limiter) *Logins { return &Logins{next, limiter} }

// Login implements Doorkeeper.
func (l *Logins) Login(ctx context.Context, email, password string) (user.Grant, error) {
	address, err := user.ParseEmail(email)
	if err != nil {
		return l.Doorkeeper.Login(ctx, email, password) // it is nobody's: there is nothing to guess
	}
	key := account(address)
	r, err := l.limiter.Allow(ctx, key)
	if err != nil {
		return user.Grant{}, err
	}
	if !r.Allowed {
		return user.Grant{}, &TooManyError{r}
	}
	grant, err := l.Doorkeeper.Login(ctx, email, password)
	if !errors.Is(err, user.ErrInvalidCredentials) {
		l.limiter.Return(ctx, key, 1, r)
	}
	return grant, err
}

// account names an account without its address, which stays out of Redis.
func account(e user.Email) string {
	sum := sha256.Sum256([]byte(e))
	return hex.EncodeToString(sum[:])
}
