package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/idgen"
	"souk.example/pkg/money"
	"souk.example/services/payment"
	"souk.example/services/user"
)

// account is a user as far as a token speaks of one.
type account struct {
	id    int64
	email string
	role  string
}

// startingBalance is what demo and load-test wallets are filled with, once.
func startingBalance() money.Amount { return money.Of(1_000_000_000, "CNY") }

// accounts finds the users a token request is for, making load-test users.
func (a *app) accounts(ctx context.Context, req tokenRequest) ([]account, error) {
	dbs, err := a.openDatabases(ctx, "user", "payment")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dbs.close() }()
	if req.count > 0 {
		return loadTesters(ctx, dbs, req.count)
	}
	found, err := accountOf(ctx, dbs["user"], req.email)
	return []account{found}, err
}

// accountOf finds an existing user; it answers no when there is none. It reads
// the service's table itself: tokens are to be had while souk is down, and no
// service tells who has an e-mail address.
func accountOf(ctx context.Context, db *database.DB, email string) (account, error) {
	found := account{email: strings.ToLower(email)}
	err := db.QueryRow(ctx, "SELECT id, role FROM users WHERE email = ?", found.email).Scan(&found.id, &found.role)
	if errors.Is(err, sql.ErrNoRows) {
		return found, no("no user %s", email)
	}
	return found, err
}

func loadTesters(ctx context.Context, dbs databases, n int) ([]account, error) {
	var users []user.SeededUser
	err := withIDs(ctx, dbs["user"], func(ids *idgen.Worker) error {
		var err error
		users, err = user.EnsureLoadUsers(ctx, dbs["user"], ids, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	all, ids := make([]account, n), make([]int64, n)
	for i, u := range users {
		all[i], ids[i] = account{id: u.ID, email: u.Email, role: auth.RoleUser}, u.ID
	}
	if err := payment.EnsureWallets(ctx, dbs["payment"], ids, startingBalance()); err != nil {
		return nil, fmt.Errorf("fill wallets: %w", err)
	}
	return all, nil
}

// withIDs runs fn with ids that no running service issues too: they come under
// a worker number of their own, which is given back afterwards.
func withIDs(ctx context.Context, db *database.DB, fn func(*idgen.Worker) error) error {
	worker := idgen.New(idgen.InSQL(db), idgen.Config{})
	if err := worker.Acquire(ctx); err != nil {
		return err
	}
	leased, release := context.WithCancel(ctx)
	released := make(chan error, 1)
	go func() { released <- worker.Run(leased) }()
	err := fn(worker)
	release()
	return errors.Join(err, <-released)
}
