package user

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Doorkeeper opens and refreshes sessions.
type Doorkeeper struct {
	accounts Accounts
	sessions Sessions
	hasher   Hasher
	minter   Minter
	ids      IDs
	now      func() time.Time
}

// NewDoorkeeper makes a Doorkeeper.
func NewDoorkeeper(accounts Accounts, sessions Sessions, hasher Hasher, minter Minter, ids IDs, now func() time.Time) *Doorkeeper {
	return &Doorkeeper{accounts: accounts, sessions: sessions, hasher: hasher, minter: minter, ids: ids, now: now}
}

// Login opens a session: ErrInvalidCredentials, ErrBusy or, for who has proved
// to be somebody that is shut out, ErrBlocked. An unknown address
// costs the same time as a wrong password, so that nobody can ask who has an
// account.
func (d *Doorkeeper) Login(ctx context.Context, email, password string) (Grant, error) {
	if !couldBePassword(password) {
		return Grant{}, ErrInvalidCredentials
	}
	u, err := d.find(ctx, email)
	if err != nil {
		return Grant{}, err
	}
	ok, err := d.hasher.Verify(ctx, password, u.PasswordHash)
	if err != nil {
		return Grant{}, fmt.Errorf("verify password: %w", err)
	}
	if !ok {
		return Grant{}, ErrInvalidCredentials
	}
	return d.open(ctx, u)
}

// find returns somebody without a usable password in place of nobody.
func (d *Doorkeeper) find(ctx context.Context, email string) (User, error) {
	address, err := ParseEmail(email)
	if err != nil {
		return User{PasswordHash: Unusable}, nil //nolint:nilerr // an address that cannot be is nobody's
	}
	u, err := d.accounts.ByEmail(ctx, address)
	if errors.Is(err, ErrNotFound) {
		return User{PasswordHash: Unusable}, nil
	}
	return u, err
}

func (d *Doorkeeper) open(ctx context.Context, u User) (Grant, error) {
	id, err := d.ids.Next()
	if err != nil {
		return Grant{}, fmt.Errorf("take an id: %w", err)
	}
	now := d.now()
	s := Session{ID: SessionID(id), User: u.ID, CreatedAt: now, RefreshedAt: now, ExpiresAt: now.Add(SessionLife)}
	refresh := newRefreshToken()
	if err := d.sessions.Open(ctx, s, refresh.Hash()); err != nil {
		return Grant{}, err
	}
	return d.grant(u, s.ID, refresh)
}

func (d *Doorkeeper) grant(u User, s SessionID, refresh RefreshToken) (Grant, error) {
	token, expires, err := d.minter.Mint(u, s)
	if err != nil {
		return Grant{}, fmt.Errorf("mint access token: %w", err)
	}
	return Grant{AccessToken: token, ExpiresIn: expires.Sub(d.now()), Refresh: refresh}, nil
}
