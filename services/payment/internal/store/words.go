package store

import (
	"context"
	"fmt"
	"slices"

	"souk.example/pkg/database"
	"souk.example/pkg/failpoint"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// Enter implements payment.Journal.
func (j *Journal) Enter(ctx context.Context, words []payment.Word, judge func(payment.Records) payment.Rulings) (errs []error, err error) {
	err = j.race(ctx, func(ctx context.Context, tx *database.Tx) error {
		records, err := recordsFor(ctx, tx, words)
		if err != nil {
			return err
		}
		rulings := judge(records)
		errs = rulings.Errs
		return j.store(ctx, tx, rulings)
	})
	return errs, err
}

func (j *Journal) store(ctx context.Context, tx *database.Tx, r payment.Rulings) error {
	if err := endCalls(ctx, tx, r.Done); err != nil {
		return err
	}
	if err := putOff(ctx, tx, r.Later); err != nil {
		return err
	}
	if err := changePayments(ctx, tx, r.Changes); err != nil {
		return err
	}
	if err := changeRefunds(ctx, tx, r.RefundChanges); err != nil {
		return err
	}
	if err := insertEntries(ctx, tx, r.Entries); err != nil {
		return err
	}
	if err := j.emit(ctx, tx, r.Replies, r.RefundReplies); err != nil {
		return err
	}
	hitBeforeCommit(r)
	return nil
}

func hitBeforeCommit(r payment.Rulings) {
	if len(r.Changes) > 0 {
		failpoint.Hit("charge-before-result-commit")
	}
	if len(r.RefundChanges) > 0 {
		failpoint.Hit("refund-before-result-commit")
	}
}

// recordsFor looks up what the words are about. Who makes a call matters only
// to an answer that settles nothing, or cannot be believed.
func recordsFor(ctx context.Context, tx *database.Tx, words []payment.Word) (r payment.Records, err error) {
	var orders []payment.OrderID
	var refunds []payment.RefundID
	for _, w := range words {
		if w.Kind == payment.Return {
			refunds = append(refunds, w.Refund)
		} else {
			orders = append(orders, w.Order)
		}
	}
	if len(orders) > 0 {
		if r.Payments, err = payments(ctx, tx, orders); err != nil {
			return r, err
		}
	}
	if r.Refunds, err = refundsByID(ctx, tx, refunds); err != nil {
		return r, err
	}
	r.Claims, err = claims(ctx, tx, words)
	return r, err
}

// Refunds implements payment.Unit.
func (u unit) Refunds(ctx context.Context, ids []payment.RefundID) (map[payment.RefundID]payment.Refund, error) {
	return refundsByID(ctx, u.tx, ids)
}

func refundsByID(ctx context.Context, q querier, ids []payment.RefundID) (map[payment.RefundID]payment.Refund, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, args := database.In(ids)
	rows, err := q.Query(ctx, "SELECT refund_id, order_id, status, amount, currency, provider_ref, updated_at FROM refund WHERE refund_id IN "+in, args...)
	if err != nil {
		return nil, fmt.Errorf("look up %d refunds: %w", len(ids), err)
	}
	defer rows.Close()
	found := make(map[payment.RefundID]payment.Refund)
	for rows.Next() {
		var r payment.Refund
		var amount, at int64
		var currency string
		if err := rows.Scan(&r.ID, &r.Order, &r.Status, &amount, &currency, &r.Ref, &at); err != nil {
			return nil, fmt.Errorf("read refund: %w", err)
		}
		r.Amount, r.At = money.Of(amount, money.Currency(currency)), database.Time(at)
		found[r.ID] = r
	}
	return found, rows.Err()
}

func claims(ctx context.Context, tx *database.Tx, words []payment.Word) (map[string]payment.ClaimID, error) {
	var keys []string
	for _, w := range words {
		if w.Claim != "" {
			keys = append(keys, w.Key())
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	in, args := database.In(slices.Compact(slices.Sorted(slices.Values(keys))))
	rows, err := tx.Query(ctx, "SELECT call_key, owner FROM provider_call WHERE call_key IN "+in, args...)
	if err != nil {
		return nil, fmt.Errorf("look up %d calls: %w", len(keys), err)
	}
	defer rows.Close()
	found := make(map[string]payment.ClaimID)
	for rows.Next() {
		var key string
		var owner payment.ClaimID
		if err := rows.Scan(&key, &owner); err != nil {
			return nil, fmt.Errorf("read call: %w", err)
		}
		found[key] = owner
	}
	return found, rows.Err()
}
