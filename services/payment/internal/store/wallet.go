package store

import (
	"context"
	"errors"
	"fmt"

	"souk.example/pkg/database"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// topUpRoute scopes the idempotency keys of top-ups.
const topUpRoute = "POST /v1/wallet/topups"

// receiptJSON is a receipt as the idempotency table keeps it.
type receiptJSON struct {
	ID       int64          `json:"id"`
	Amount   int64          `json:"amount"`
	Balance  int64          `json:"balance"`
	Currency money.Currency `json:"currency"`
	At       int64          `json:"at"`
}

func (r receiptJSON) receipt(replayed bool) payment.Receipt {
	return payment.Receipt{
		ID: r.ID, Amount: money.Of(r.Amount, r.Currency), Balance: money.Of(r.Balance, r.Currency),
		At: database.Time(r.At), Replayed: replayed,
	}
}

// Deposit implements payment.Wallets: the wallet, the ledger and the
// idempotency key change in one transaction.
func (s *Store) Deposit(ctx context.Context, d payment.Deposit) (payment.Receipt, error) {
	req := idempotency.Request{UserID: int64(d.User), Route: topUpRoute, Key: d.Key, Fingerprint: d.Fingerprint}
	kept, replayed, err := idempotency.Do(ctx, s.db, req, func(ctx context.Context, tx *database.Tx) (receiptJSON, error) {
		return deposit(ctx, tx, d)
	})
	if err != nil {
		return payment.Receipt{}, fmt.Errorf("top up: %w", err)
	}
	return kept.receipt(replayed), nil
}

func deposit(ctx context.Context, tx *database.Tx, d payment.Deposit) (receiptJSON, error) {
	w := payment.WalletID{User: d.User, Currency: d.Amount.Currency()}
	amounts := map[payment.WalletID]int64{w: d.Amount.Minor()}
	if err := openWallets(ctx, tx, walletRows(amounts)); err != nil {
		return receiptJSON{}, err
	}
	if err := credit(ctx, tx, amounts); err != nil {
		return receiptJSON{}, err
	}
	if err := insertEntries(ctx, tx, []payment.Entry{d.Entry()}); err != nil {
		return receiptJSON{}, err
	}
	r := receiptJSON{ID: d.ID, Amount: d.Amount.Minor(), Currency: w.Currency, At: database.Micros(d.At)}
	err := tx.QueryRow(ctx, selectBalance, int64(w.User), string(w.Currency)).Scan(&r.Balance)
	return r, err
}

// credit raises open wallets. One that would hold too much is
// payment.ErrBalanceLimit.
func credit(ctx context.Context, tx *database.Tx, amounts map[payment.WalletID]int64) error {
	rows := walletRows(amounts)
	n, err := tx.UpdateMany(ctx, database.UpdateMany{
		Table: "wallet", Key: walletColumns[:2], Values: []string{"amount"}, Rows: rows,
		Set:   map[string]string{"balance": "t.balance + v.amount"},
		Where: fmt.Sprintf("t.balance <= %d - v.amount", int64(payment.MaxBalance)),
	})
	if err != nil {
		return fmt.Errorf("credit %d wallets: %w", len(rows), err)
	}
	if n != int64(len(rows)) {
		return payment.ErrBalanceLimit
	}
	return nil
}

// openWallets makes the wallets of rows that do not exist yet, and locks all of
// them until the transaction ends.
func openWallets(ctx context.Context, tx *database.Tx, rows [][]any) error {
	empty := make([][]any, len(rows))
	for i, r := range rows {
		empty[i] = []any{r[0], r[1], 0}
	}
	// An upsert locks for writing at once; two that had ignored their
	// duplicates would hold read locks and wait for each other to let go.
	err := tx.Upsert(ctx, "wallet", walletColumns[:2], walletColumns, empty, map[string]string{"balance": "old(balance)"})
	if err != nil {
		return fmt.Errorf("open %d wallets: %w", len(rows), err)
	}
	return nil
}

const selectBalance = "SELECT balance FROM wallet WHERE user_id = ? AND currency = ?"

// Balance implements payment.Wallets.
func (s *Store) Balance(ctx context.Context, w payment.WalletID) (money.Amount, error) {
	var balance int64
	err := s.db.QueryRow(ctx, selectBalance, int64(w.User), string(w.Currency)).Scan(&balance)
	if err != nil && !errors.Is(err, database.ErrNotFound) {
		return money.Amount{}, fmt.Errorf("read wallet: %w", err)
	}
	return money.Of(balance, w.Currency), nil
}
