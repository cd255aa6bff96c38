package payment

import (
	"context"

	"souk.example/pkg/money"
)

// Unit is one transaction's view of payments, wallets and the events that tell
// of them. Every method works on a whole batch.
type Unit interface {
	// Payments finds what is decided about these orders.
	Payments(ctx context.Context, orders []OrderID) (map[OrderID]Payment, error)
	// LockWallets loads and locks every wallet of these users, in the order of
	// (user, currency), and returns the balances in minor units.
	LockWallets(ctx context.Context, users []UserID) (map[WalletID]int64, error)
	// Record stores the decisions and emits an event per reply. It fails when
	// a wallet does not hold what is to be taken from it.
	Record(ctx context.Context, d Decisions) error
}

// Wallets is where wallets live.
type Wallets interface {
	// Deposit pays into a wallet, once per (d.User, d.Key): a key that has paid
	// in already returns the receipt of that time, and with another
	// fingerprint it is refused. ErrBalanceLimit when it would hold too much.
	Deposit(ctx context.Context, d Deposit) (Receipt, error)
	// Balance is what the wallet holds; 0 for one that does not exist.
	Balance(ctx context.Context, w WalletID) (money.Amount, error)
}
