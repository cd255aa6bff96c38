package store

import (
	"context"
	"fmt"
	"time"

	"souk.example/pkg/database"
	"souk.example/sandbox/psp/internal/webhook"
)

// Due implements webhook.Queue.
func (s *Store) Due(ctx context.Context, at time.Time, limit int) ([]webhook.Delivery, error) {
	rows, err := s.db.Query(ctx, "SELECT id, body, attempts FROM webhook WHERE due_at <= ? ORDER BY due_at LIMIT ?", micros(at), limit)
	if err != nil {
		return nil, fmt.Errorf("read webhooks: %w", err)
	}
	defer rows.Close()
	var due []webhook.Delivery
	for rows.Next() {
		var d webhook.Delivery
		if err := rows.Scan(&d.ID, &d.Body, &d.Attempts); err != nil {
			return nil, fmt.Errorf("read webhook: %w", err)
		}
		due = append(due, d)
	}
	return due, rows.Err()
}

// Settle implements webhook.Queue: what is done goes, the rest waits.
func (s *Store) Settle(ctx context.Context, done []string, later []webhook.Delivery) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		gone := make([][]any, len(done))
		for i, id := range done {
			gone[i] = []any{id}
		}
		if _, err := tx.DeleteMany(ctx, "webhook", []string{"id"}, gone); err != nil {
			return err
		}
		for _, d := range later {
			if _, err := tx.Exec(ctx, "UPDATE webhook SET attempts = ?, due_at = ? WHERE id = ?", d.Attempts, micros(d.DueAt), d.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
