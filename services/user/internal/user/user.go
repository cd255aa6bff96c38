// Package user is the domain of accounts: who somebody is, how they prove it,
// and for how long they are taken at their word. It knows no framework.
package user

import (
	"errors"
	"time"
)

// ID identifies a user.
type ID int64

// Role is what a user may do.
type Role string

// The roles.
const (
	Shopper Role = "user"
	Admin   Role = "admin"
)

// User is an account.
type User struct {
	ID           ID
	Email        Email
	Name         string
	Role         Role
	PasswordHash string // PHC string, or Unusable
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Unusable is the password hash of an account that nobody can log in to with a
// password. No password has this hash.
const Unusable = "!"

// Rename gives the user another name.
func (u *User) Rename(name string, at time.Time) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	u.Name, u.UpdatedAt = name, at
	return nil
}

// Facts that callers tell apart.
var (
	ErrEmailTaken         = errors.New("user: the e-mail address has an account")
	ErrNotFound           = errors.New("user: no such account")
	ErrAddressNotFound    = errors.New("user: no such address of the user")
	ErrTooManyAddresses   = errors.New("user: too many addresses")
	ErrInvalidCredentials = errors.New("user: unknown e-mail address or wrong password")
	ErrInvalidRefresh     = errors.New("user: refresh token unknown, used, expired or revoked")
	ErrBlocked            = errors.New("user: shut out")
	ErrNotBlocked         = errors.New("user: not shut out")
	ErrBlocksFull         = errors.New("user: too many are shut out")
	ErrBusy               = errors.New("user: too many passwords are waiting to be hashed")
)

// InvalidError says which field of a command is not acceptable, and why. It
// never repeats the value.
type InvalidError struct {
	Field, Code, Detail string
}

// Error implements error.
func (e *InvalidError) Error() string { return "user: " + e.Field + " " + e.Detail }

// InvalidErrors are all fields of one command that are not acceptable.
type InvalidErrors []*InvalidError

// Error implements error.
func (all InvalidErrors) Error() string { return errors.Join(all.Unwrap()...).Error() }

// Unwrap is for errors.As.
func (all InvalidErrors) Unwrap() []error {
	each := make([]error, len(all))
	for i, e := range all {
		each[i] = e
	}
	return each
}

// IDs issues ids.
type IDs interface{ Next() (int64, error) }
