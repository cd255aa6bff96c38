package user

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"
)

// SessionID identifies a session.
type SessionID int64

// Session is one login. It lives until it expires, is closed, or one of its
// used refresh tokens is presented again.
type Session struct {
	ID          SessionID
	User        ID
	CreatedAt   time.Time
	RefreshedAt time.Time
	ExpiresAt   time.Time // fixed at login: refreshing does not move it
}

// SessionLife is how long a login is good before the password is asked again.
const SessionLife = 30 * 24 * time.Hour

// RefreshToken is 256 random bits. It is good once.
type RefreshToken string

// maxRefresh is longer than any token; nothing longer is hashed.
const maxRefresh = 64

func newRefreshToken() RefreshToken {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // crypto/rand never fails
	return RefreshToken(base64.RawURLEncoding.EncodeToString(secret[:]))
}

// TokenHash is how a refresh token is stored: hex SHA-256. A fast hash is
// enough for what has 256 bits of its own.
type TokenHash string

// Hash returns the form that is stored.
func (t RefreshToken) Hash() TokenHash {
	sum := sha256.Sum256([]byte(t))
	return TokenHash(hex.EncodeToString(sum[:]))
}

// Sessions is where sessions are kept.
type Sessions interface {
	// Open keeps a new session with its first token and drops the user's
	// expired ones; ErrBlocked when the user is shut out.
	Open(ctx context.Context, s Session, token TokenHash) error
	// Rotate uses up one token and puts next in its place, at the time
	// given. A token that is unknown or whose session is over is
	// ErrInvalidRefresh; one that was used before is ErrInvalidRefresh too,
	// and its session is gone with all its tokens. ErrBlocked, when the user
	// is shut out, uses nothing up.
	Rotate(ctx context.Context, used, next TokenHash, at time.Time) (Session, User, error)
	// Close ends a session of the user. One that is not there is no error.
	Close(ctx context.Context, user ID, id SessionID) error
	// List returns the user's live sessions after the one given, oldest first.
	List(ctx context.Context, user ID, after SessionID, limit int, at time.Time) ([]Session, error)
}

// Minter signs access tokens.
type Minter interface {
	Mint(u User, s SessionID) (token string, expiresAt time.Time, err error)
}

// Grant is what a login or a refresh gives.
type Grant struct {
	AccessToken string
	ExpiresIn   time.Duration
	Refresh     RefreshToken
}
