// Package store keeps the provider's record in SQL.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"souk.example/pkg/database"
	"souk.example/sandbox/psp/internal/psp"
	"souk.example/sandbox/psp/internal/wire"
)

// Store implements psp.Store and webhook.Queue. Safe for concurrent use.
type Store struct {
	db       *database.DB
	merchant string
}

// New makes a Store; webhooks are addressed to merchant.
func New(db *database.DB, merchant string) *Store { return &Store{db: db, merchant: merchant} }

// InUnit implements psp.Store.
func (s *Store) InUnit(ctx context.Context, fn func(ctx context.Context, u psp.Unit) error) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { return fn(ctx, unit{tx: tx, merchant: s.merchant}) })
}

const selectCharge = "SELECT id, idem_key, reference, token, amount, currency, status, failure_code, refunded, due_at, created_at, updated_at FROM charge"

var chargeColumns = []string{"id", "idem_key", "reference", "token", "amount", "currency", "status", "failure_code", "refunded", "due_at", "created_at", "updated_at"}

// Made implements psp.Store.
func (s *Store) Made(ctx context.Context, key string) (psp.Charge, bool, error) {
	found, err := charges(ctx, s.db, selectCharge+" WHERE idem_key = ?", key)
	return first(found), len(found) > 0, err
}

// Get finds a charge by its id; psp.ErrUnknownCharge.
func (s *Store) Get(ctx context.Context, id string) (psp.Charge, error) { return get(ctx, s.db, id) }

// List returns up to limit charges after the given id, oldest first; with a
// reference only those that have it.
func (s *Store) List(ctx context.Context, reference, after string, limit int) ([]psp.Charge, error) {
	if reference != "" {
		return charges(ctx, s.db, selectCharge+" WHERE reference = ? AND id > ? ORDER BY id LIMIT ?", reference, after, limit)
	}
	return charges(ctx, s.db, selectCharge+" WHERE id > ? ORDER BY id LIMIT ?", after, limit)
}

// Refunds returns up to limit refunds after the given id, oldest first.
func (s *Store) Refunds(ctx context.Context, after string, limit int) ([]psp.Refund, error) {
	return refunds(ctx, s.db, selectRefund+" WHERE id > ? ORDER BY id LIMIT ?", after, limit)
}

// unit implements psp.Unit.
type unit struct {
	tx       *database.Tx
	merchant string
}

func (u unit) Charges(ctx context.Context, keys []string) (map[string]psp.Charge, error) {
	in, args := database.In(keys)
	found, err := charges(ctx, u.tx, selectCharge+" WHERE idem_key IN "+in, args...)
	byKey := make(map[string]psp.Charge, len(found))
	for _, c := range found {
		byKey[c.Key] = c
	}
	return byKey, err
}

func (u unit) AddCharges(ctx context.Context, all []psp.Charge) error {
	rows := make([][]any, len(all))
	for i, c := range all {
		rows[i] = []any{
			c.ID, c.Key, c.Reference, c.Token, c.Amount, c.Currency, string(c.Status), c.FailureCode, c.Refunded,
			micros(c.DueAt), micros(c.CreatedAt), micros(c.UpdatedAt),
		}
	}
	return u.tx.Insert(ctx, "charge", chargeColumns, rows)
}

func (u unit) Charge(ctx context.Context, id string) (psp.Charge, error) { return get(ctx, u.tx, id) }

func (u unit) Due(ctx context.Context, at time.Time, limit int) ([]psp.Charge, error) {
	return charges(ctx, u.tx, selectCharge+" WHERE status = ? AND due_at <= ? ORDER BY due_at LIMIT ?", string(psp.Processing), micros(at), limit)
}

func (u unit) Update(ctx context.Context, c psp.Charge) error {
	_, err := u.tx.Exec(ctx, "UPDATE charge SET status = ?, refunded = ?, updated_at = ? WHERE id = ?", string(c.Status), c.Refunded, micros(c.UpdatedAt), c.ID)
	return err
}

const selectRefund = "SELECT id, idem_key, charge_id, reference, amount, currency, created_at FROM refund"

func (u unit) Refund(ctx context.Context, key string) (psp.Refund, bool, error) {
	found, err := refunds(ctx, u.tx, selectRefund+" WHERE idem_key = ?", key)
	if err != nil || len(found) == 0 {
		return psp.Refund{}, false, err
	}
	return found[0], true, nil
}

func (u unit) AddRefund(ctx context.Context, r psp.Refund) error {
	return u.tx.Insert(ctx, "refund", []string{"id", "idem_key", "charge_id", "reference", "amount", "currency", "created_at"},
		[][]any{{r.ID, r.Key, r.Charge, r.Reference, r.Amount, r.Currency, micros(r.CreatedAt)}})
}

func (u unit) Emit(ctx context.Context, events []psp.Event) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		body, err := wire.Webhook(e, u.merchant)
		if err != nil {
			return err
		}
		rows[i] = []any{e.ID, body, 0, micros(e.DueAt)}
	}
	return u.tx.Insert(ctx, "webhook", []string{"id", "body", "attempts", "due_at"}, rows)
}

// querier is a database or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func get(ctx context.Context, q querier, id string) (psp.Charge, error) {
	found, err := charges(ctx, q, selectCharge+" WHERE id = ?", id)
	if err == nil && len(found) == 0 {
		err = psp.ErrUnknownCharge
	}
	return first(found), err
}

func first(found []psp.Charge) psp.Charge {
	if len(found) == 0 {
		return psp.Charge{}
	}
	return found[0]
}

func charges(ctx context.Context, q querier, query string, args ...any) ([]psp.Charge, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read charges: %w", err)
	}
	defer rows.Close()
	var all []psp.Charge
	for rows.Next() {
		var c psp.Charge
		var due, created, updated int64
		err := rows.Scan(&c.ID, &c.Key, &c.Reference, &c.Token, &c.Amount, &c.Currency, &c.Status, &c.FailureCode, &c.Refunded, &due, &created, &updated)
		if err != nil {
			return nil, fmt.Errorf("read charge: %w", err)
		}
		c.DueAt, c.CreatedAt, c.UpdatedAt = database.Time(due), database.Time(created), database.Time(updated)
		all = append(all, c)
	}
	return all, rows.Err()
}

func refunds(ctx context.Context, q querier, query string, args ...any) ([]psp.Refund, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read refunds: %w", err)
	}
	defer rows.Close()
	var all []psp.Refund
	for rows.Next() {
		var r psp.Refund
		var created int64
		if err := rows.Scan(&r.ID, &r.Key, &r.Charge, &r.Reference, &r.Amount, &r.Currency, &created); err != nil {
			return nil, fmt.Errorf("read refund: %w", err)
		}
		r.CreatedAt = database.Time(created)
		all = append(all, r)
	}
	return all, rows.Err()
}

// micros is 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return database.Micros(t)
}
