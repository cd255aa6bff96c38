package store

import (
	"context"
	"fmt"
	"time"

	"souk.example/pkg/database"
	"souk.example/services/payment/internal/payment"
)

// chargeList is the row of reconciliation for the provider's list of charges.
const chargeList = "charges"

// Take implements payment.Watermark.
func (j *Journal) Take(ctx context.Context, as payment.ClaimID, lease time.Duration) (after string, mine bool, err error) {
	err = j.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE reconciliation SET owner = ?, until = ? WHERE list = ? AND (until <= ? OR owner = ?)",
			string(as), database.Micros(now.Add(lease)), chargeList, database.Micros(now), string(as))
		if mine = n == 1; err != nil || !mine {
			return err
		}
		return tx.QueryRow(ctx, "SELECT watermark FROM reconciliation WHERE list = ?", chargeList).Scan(&after)
	})
	if err != nil {
		return "", false, fmt.Errorf("take the reconciliation: %w", err)
	}
	return after, mine, nil
}

// Keep implements payment.Watermark.
func (j *Journal) Keep(ctx context.Context, as payment.ClaimID, after string, lease time.Duration) (mine bool, err error) {
	err = j.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE reconciliation SET watermark = ?, until = ? WHERE list = ? AND owner = ?",
			after, database.Micros(now.Add(lease)), chargeList, string(as))
		mine = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("keep the reconciliation: %w", err)
	}
	return mine, nil
}

// Payments implements payment.Watermark.
func (j *Journal) Payments(ctx context.Context, orders []payment.OrderID) (map[payment.OrderID]payment.Payment, error) {
	return payments(ctx, j.db, orders)
}
