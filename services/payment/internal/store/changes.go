package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"souk.example/pkg/database"
	"souk.example/services/payment/internal/payment"
)

// changePayments stores what payments have become. What is refunded of them
// changes elsewhere, and is left alone.
func changePayments(ctx context.Context, tx *database.Tx, changes []payment.Change) error {
	changes = slices.SortedFunc(slices.Values(changes), func(a, b payment.Change) int { return cmp.Compare(a.Order, b.Order) })
	rows, changed := make([][]any, len(changes)), make([]payment.Payment, len(changes))
	for i, c := range changes {
		changed[i] = c.Payment
		rows[i] = []any{
			int64(c.Order), string(c.Was), string(c.Status), c.Captured.Minor(), c.Charge, c.Reason, flag(c.CancelRequested), database.Micros(c.At),
		}
	}
	n, err := tx.UpdateMany(ctx, database.UpdateMany{
		Table: "payment", Key: []string{"order_id"}, Rows: rows,
		Values: []string{"was", "now_is", "taken", "ref", "why", "cancelled", "at"},
		Set: map[string]string{
			"status": "v.now_is", "captured": "v.taken", "provider_ref": "v.ref", "reason": "v.why", "updated_at": "v.at", "cancel_requested": "v.cancelled",
		},
		// A cancellation that came since this was decided on has it decided again.
		Where: "t.status = v.was AND t.cancel_requested <= v.cancelled",
	})
	if err := unchanged("payments", n, err, len(rows)); err != nil {
		return err
	}
	return listTaken(ctx, tx, changed)
}

// reserveRefunds sets aside what is to be given back, never more than was taken
// and is left: however many ask at the same time, the condition decides.
func reserveRefunds(ctx context.Context, tx *database.Tx, amounts map[payment.OrderID]int64) error {
	rows := make([][]any, 0, len(amounts))
	for _, order := range slices.Sorted(maps.Keys(amounts)) {
		rows = append(rows, []any{int64(order), amounts[order]})
	}
	n, err := tx.UpdateMany(ctx, database.UpdateMany{
		Table: "payment", Key: []string{"order_id"}, Values: []string{"amount"}, Rows: rows,
		Set:   map[string]string{"refunded": "t.refunded + v.amount"},
		Where: "t.refunded + v.amount <= t.captured",
	})
	return unchanged("captures to refund", n, err, len(rows))
}

func insertRefunds(ctx context.Context, tx *database.Tx, refunds []payment.Refund) error {
	rows := make([][]any, len(refunds))
	for i, r := range refunds {
		rows[i] = refundRow(r)
	}
	if err := tx.Insert(ctx, "refund", refundColumns, rows); err != nil {
		return fmt.Errorf("insert %d refunds: %w", len(rows), err)
	}
	return nil
}

func changeRefunds(ctx context.Context, tx *database.Tx, changes []payment.RefundChange) error {
	changes = slices.SortedFunc(slices.Values(changes), func(a, b payment.RefundChange) int { return cmp.Compare(a.ID, b.ID) })
	rows := make([][]any, len(changes))
	for i, c := range changes {
		rows[i] = []any{string(c.ID), string(c.Was), string(c.Status), c.Ref, database.Micros(c.At)}
	}
	n, err := tx.UpdateMany(ctx, database.UpdateMany{
		Table: "refund", Key: []string{"refund_id"}, Values: []string{"was", "now_is", "ref", "at"}, Rows: rows,
		Set:   map[string]string{"status": "v.now_is", "provider_ref": "v.ref", "updated_at": "v.at"},
		Where: "t.status = v.was",
	})
	return unchanged("refunds", n, err, len(rows))
}
