package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"souk.example/pkg/database"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// Fresh implements payment.Unit.
func (u unit) Fresh(ctx context.Context) bool { return inbox.Fresh(ctx) }

// Payments implements payment.Unit.
func (u unit) Payments(ctx context.Context, orders []payment.OrderID) (map[payment.OrderID]payment.Payment, error) {
	return payments(ctx, u.tx, orders)
}

// querier is a transaction, or the database outside of any.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func payments(ctx context.Context, q querier, orders []payment.OrderID) (map[payment.OrderID]payment.Payment, error) {
	if len(orders) == 0 {
		return nil, nil
	}
	in, args := database.In(orders)
	rows, err := q.Query(ctx, "SELECT "+strings.Join(paymentColumns, ",")+" FROM payment WHERE order_id IN "+in, args...)
	if err != nil {
		return nil, fmt.Errorf("look up %d payments: %w", len(orders), err)
	}
	defer rows.Close()
	found := make(map[payment.OrderID]payment.Payment)
	for rows.Next() {
		var r paymentRow
		if err := rows.Scan(r.fields()...); err != nil {
			return nil, fmt.Errorf("read payment: %w", err)
		}
		found[payment.OrderID(r.OrderID)] = r.payment()
	}
	return found, rows.Err()
}

// LockWallets implements payment.Unit. The rows are read, and so locked, in
// the order of the primary key: two batches never wait for each other in a
// circle.
func (u unit) LockWallets(ctx context.Context, users []payment.UserID) (map[payment.WalletID]int64, error) {
	balances := make(map[payment.WalletID]int64, len(users))
	if len(users) == 0 {
		return balances, nil
	}
	in, args := database.In(users)
	rows, err := u.tx.Query(ctx,
		"SELECT user_id, currency, balance FROM wallet WHERE user_id IN "+in+" ORDER BY user_id, currency"+u.tx.ForUpdate(), args...)
	if err != nil {
		return nil, fmt.Errorf("lock wallets of %d users: %w", len(users), err)
	}
	defer rows.Close()
	var user, balance int64
	var currency money.Currency
	for rows.Next() {
		if err := rows.Scan(&user, &currency, &balance); err != nil {
			return nil, fmt.Errorf("read wallet: %w", err)
		}
		balances[payment.WalletID{User: payment.UserID(user), Currency: currency}] = balance
	}
	return balances, rows.Err()
}

// Record implements payment.Unit. A duplicate payment, refund or entry means
// that somebody else has decided meanwhile: database.ErrDuplicate, decide again.
func (u unit) Record(ctx context.Context, d payment.Decisions) error {
	if err := u.insertPayments(ctx, d.Payments); err != nil {
		return err
	}
	if err := u.amend(ctx, d); err != nil {
		return err
	}
	if err := insertEntries(ctx, u.tx, d.Entries); err != nil {
		return err
	}
	if err := u.take(ctx, d.Taken); err != nil {
		return err
	}
	if err := u.journal.addCalls(ctx, u.tx, d.Calls); err != nil {
		return err
	}
	return u.journal.emit(ctx, u.tx, d.Replies, d.RefundReplies)
}

// amend stores what concerns payments that were there before; for a batch of
// captures it is no statement at all.
func (u unit) amend(ctx context.Context, d payment.Decisions) error {
	if err := endCalls(ctx, u.tx, d.Dropped); err != nil {
		return err
	}
	if err := changePayments(ctx, u.tx, d.Changes); err != nil {
		return err
	}
	if err := reserveRefunds(ctx, u.tx, d.Reserved); err != nil {
		return err
	}
	if err := insertRefunds(ctx, u.tx, d.Refunds); err != nil {
		return err
	}
	return credit(ctx, u.tx, d.Given)
}

func (u unit) insertPayments(ctx context.Context, payments []payment.Payment) error {
	rows := make([][]any, len(payments))
	for i, p := range payments {
		rows[i] = paymentRowFrom(p).values()
	}
	if err := u.tx.Insert(ctx, "payment", paymentColumns, rows); err != nil {
		return fmt.Errorf("insert %d payments: %w", len(rows), err)
	}
	return listTaken(ctx, u.tx, payments)
}

func insertEntries(ctx context.Context, tx *database.Tx, entries []payment.Entry) error {
	rows := make([][]any, len(entries))
	for i, e := range entries {
		rows[i] = entryRow(e)
	}
	if err := tx.Insert(ctx, "ledger_entry", entryColumns, rows); err != nil {
		return fmt.Errorf("insert %d ledger entries: %w", len(rows), err)
	}
	return nil
}

// take lowers each wallet by what its captures sum up to. Under the lock every
// wallet holds enough; the condition is there for the day somebody forgets the
// lock, and a miscount fails the batch.
func (u unit) take(ctx context.Context, taken map[payment.WalletID]int64) error {
	rows := walletRows(taken)
	n, err := u.tx.UpdateMany(ctx, database.UpdateMany{
		Table: "wallet", Key: walletColumns[:2], Values: []string{"amount"}, Rows: rows,
		Set:   map[string]string{"balance": "t.balance - v.amount"},
		Where: "t.balance >= v.amount", Locked: true,
	})
	if err != nil {
		return fmt.Errorf("take from %d wallets: %w", len(rows), err)
	}
	if n != int64(len(rows)) {
		return fmt.Errorf("take from wallets: only %d of %d held enough", n, len(rows))
	}
	return nil
}

// walletRows are rows of (user, currency, amount) in key order.
func walletRows(amounts map[payment.WalletID]int64) [][]any {
	rows := make([][]any, 0, len(amounts))
	for _, w := range slices.SortedFunc(maps.Keys(amounts), payment.WalletID.Compare) {
		rows = append(rows, []any{int64(w.User), string(w.Currency), amounts[w]})
	}
	return rows
}
