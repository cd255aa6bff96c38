package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// seedChunk is how many wallets one transaction seeds.
const seedChunk = 2_000

// Seed credits amount to the wallet of every user that it has never credited
// before. It may be repeated, and run by several processes at once.
func (s *Store) Seed(ctx context.Context, users []payment.UserID, amount money.Amount, at time.Time) error {
	if amount.IsZero() || amount.IsNegative() {
		return fmt.Errorf("seed wallets: %s is not above 0", amount)
	}
	users = slices.Compact(slices.Sorted(slices.Values(users)))
	for chunk := range slices.Chunk(users, seedChunk) {
		err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { return seed(ctx, tx, chunk, amount, at) })
		if err != nil {
			return fmt.Errorf("seed wallets: %w", err)
		}
	}
	return nil
}

// seed opens, and by that locks, the wallets before it asks which have been
// seeded: whoever seeds the same ones waits, and then finds them done.
func seed(ctx context.Context, tx *database.Tx, users []payment.UserID, amount money.Amount, at time.Time) error {
	if err := openWallets(ctx, tx, walletRows(amountEach(users, amount))); err != nil {
		return err
	}
	fresh, err := unseeded(ctx, tx, users)
	if err != nil {
		return err
	}
	entries := make([]payment.Entry, len(fresh))
	for i, user := range fresh {
		entries[i] = payment.SeedEntry(user, amount, at)
	}
	if err := credit(ctx, tx, amountEach(fresh, amount)); err != nil {
		return err
	}
	return insertEntries(ctx, tx, entries)
}

func amountEach(users []payment.UserID, amount money.Amount) map[payment.WalletID]int64 {
	amounts := make(map[payment.WalletID]int64, len(users))
	for _, user := range users {
		amounts[payment.WalletID{User: user, Currency: amount.Currency()}] = amount.Minor()
	}
	return amounts
}

// unseeded are the users without a seed in the ledger.
func unseeded(ctx context.Context, tx *database.Tx, users []payment.UserID) ([]payment.UserID, error) {
	causes := make([]string, len(users))
	for i, user := range users {
		causes[i] = payment.SeedCause(user)
	}
	done, err := happened(ctx, tx, causes)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(users), func(user payment.UserID) bool { return done[payment.SeedCause(user)] }), nil
}

// happened tells which of the causes stand in the ledger.
func happened(ctx context.Context, tx *database.Tx, causes []string) (map[string]bool, error) {
	in, args := database.In(causes)
	rows, err := tx.Query(ctx, "SELECT cause FROM ledger_entry WHERE cause IN "+in, args...)
	if err != nil {
		return nil, fmt.Errorf("look up %d causes: %w", len(causes), err)
	}
	defer rows.Close()
	found := make(map[string]bool)
	for rows.Next() {
		var cause string
		if err := rows.Scan(&cause); err != nil {
			return nil, fmt.Errorf("read cause: %w", err)
		}
		found[cause] = true
	}
	return found, rows.Err()
}
