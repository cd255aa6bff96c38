package user

import (
	"context"
	"errors"
	"fmt"
	"time"

	"souk.example/pkg/database"
	"souk.example/services/user/internal/password"
	"souk.example/services/user/internal/store"
	"souk.example/services/user/internal/user"
)

// IDs issues ids.
type IDs interface{ Next() (int64, error) }

// Person is an account of the development data.
type Person struct {
	Email, Password, Name string
	Role                  string // auth.RoleUser or auth.RoleAdmin
}

// Seed opens the accounts that are missing. Those that exist stay as they are,
// passwords included. It may run in several processes at once.
func Seed(ctx context.Context, db *database.DB, ids IDs, people []Person) error {
	users := store.NewUsers(db)
	registrar := user.NewRegistrar(users, password.New(password.Config{}), ids, time.Now)
	for _, p := range people {
		if err := seed(ctx, users, registrar, p); err != nil {
			return fmt.Errorf("seed a user: %w", err)
		}
	}
	return nil
}

func seed(ctx context.Context, users *store.Users, registrar *user.Registrar, p Person) error {
	email, err := user.ParseEmail(p.Email)
	if err != nil {
		return err
	}
	if _, err := users.ByEmail(ctx, email); !errors.Is(err, user.ErrNotFound) {
		return err // it exists: nil
	}
	_, err = registrar.RegisterAs(ctx, user.Registration{Email: p.Email, Password: p.Password, Name: p.Name}, user.Role(p.Role))
	if errors.Is(err, user.ErrEmailTaken) {
		return nil // another process was faster
	}
	return err
}

// SeededUser is an account made for a load test.
type SeededUser struct {
	ID    int64
	Email string
}

// EnsureLoadUsers returns the accounts load-000001@souk.example to number n,
// making those that are missing. Nobody can log in to them: they have no
// password, and their tokens are minted. It may run in several processes at
// once; 10,000 take well under a second.
func EnsureLoadUsers(ctx context.Context, db *database.DB, ids IDs, n int) ([]SeededUser, error) {
	emails := make([]user.Email, n)
	for i := range emails {
		emails[i] = user.Email(fmt.Sprintf("load-%06d@souk.example", i+1))
	}
	users, err := store.NewUsers(db).EnsureBulk(ctx, ids, emails, time.Now())
	if err != nil {
		return nil, fmt.Errorf("make load-test users: %w", err)
	}
	seeded := make([]SeededUser, len(users))
	for i, u := range users {
		seeded[i] = SeededUser{ID: int64(u.ID), Email: string(u.Email)}
	}
	return seeded, nil
}
