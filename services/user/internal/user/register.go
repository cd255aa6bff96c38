package user

import (
	"context"
	"fmt"
	"time"
)

// Accounts is where users are kept.
type Accounts interface {
	// Add keeps a new user; ErrEmailTaken when the address has one.
	Add(ctx context.Context, u User) error
	// ByEmail and ByID find a user, or ErrNotFound.
	ByEmail(ctx context.Context, email Email) (User, error)
	ByID(ctx context.Context, id ID) (User, error)
	// Update changes a user in one transaction; an error of change undoes it.
	Update(ctx context.Context, id ID, change func(*User) error) (User, error)
}

// Hasher hashes passwords slowly, a few at a time. Both methods answer ErrBusy
// at once when too many wait.
type Hasher interface {
	Hash(ctx context.Context, password string) (string, error)
	// Verify takes as long for a hash that no password has as for any other.
	Verify(ctx context.Context, password, hash string) (bool, error)
}

// Registrar opens accounts.
type Registrar struct {
	accounts Accounts
	hasher   Hasher
	ids      IDs
	now      func() time.Time
}

// NewRegistrar makes a Registrar.
func NewRegistrar(accounts Accounts, hasher Hasher, ids IDs, now func() time.Time) *Registrar {
	return &Registrar{accounts: accounts, hasher: hasher, ids: ids, now: now}
}

// Registration is what somebody says of themselves. Nobody says their role.
type Registration struct {
	Email, Password, Name string
}

// Register opens an account: *InvalidError, ErrEmailTaken or ErrBusy. What can
// be refused cheaply is refused before the password is hashed.
func (r *Registrar) Register(ctx context.Context, cmd Registration) (User, error) {
	return r.RegisterAs(ctx, cmd, Shopper)
}

// RegisterAs opens an account in a role, for development data and operators.
func (r *Registrar) RegisterAs(ctx context.Context, cmd Registration, role Role) (User, error) {
	email, err := ParseEmail(cmd.Email)
	if err != nil {
		return User{}, err
	}
	name, err := cleanName(cmd.Name)
	if err != nil {
		return User{}, err
	}
	if err := checkPassword(cmd.Password, email); err != nil {
		return User{}, err
	}
	hash, err := r.hasher.Hash(ctx, cmd.Password)
	if err != nil {
		return User{}, fmt.Errorf("hash password: %w", err)
	}
	id, err := r.ids.Next()
	if err != nil {
		return User{}, fmt.Errorf("take an id: %w", err)
	}
	now := r.now()
	u := User{ID: ID(id), Email: email, Name: name, Role: role, PasswordHash: hash, CreatedAt: now, UpdatedAt: now}
	return u, r.accounts.Add(ctx, u)
}
