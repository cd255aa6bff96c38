package payment

import (
	"context"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/store"
)

// EnsureWallets credits amount (above 0, within the balance limit) to the
// wallet of every user that it has never credited before, through the ledger,
// and leaves the others alone. It may be repeated, with any amount, and run by
// several processes at once.
func EnsureWallets(ctx context.Context, db *database.DB, users []int64, amount money.Amount) error {
	ids := make([]payment.UserID, len(users))
	for i, u := range users {
		ids[i] = payment.UserID(u)
	}
	return store.New(db).Seed(ctx, ids, amount, time.Now())
}
