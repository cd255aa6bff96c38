package audit

import (
	"context"
	"fmt"
)

// checkKeys finds idempotency keys with more than one effect (6): two orders
// of one key, or more money paid in than there are keys that did so.
func checkKeys(ctx context.Context, s snapshots, f *findings) error {
	var user, n int64
	var key string
	err := each(ctx, s.order, "SELECT user_id, idem_key, COUNT(*) FROM orders GROUP BY user_id, idem_key HAVING COUNT(*) > 1",
		[]any{&user, &key, &n}, func() error {
			f.violated(Keys, fmt.Sprintf("key %q of user %d", key, user), "it placed %d orders", n)
			return nil
		})
	if err != nil {
		return err
	}
	if err := checkReturnKeys(ctx, s.order, f); err != nil {
		return err
	}
	return checkTopUps(ctx, s.payment, f)
}

func checkTopUps(ctx context.Context, q querier, f *findings) error {
	paidIn, err := queryInt(ctx, q, "SELECT COUNT(*) FROM ledger_entry WHERE cause LIKE 'topup:%'")
	if err != nil {
		return err
	}
	keys, err := queryInt(ctx, q, "SELECT COUNT(*) FROM idempotency WHERE route = 'POST /v1/wallet/topups'")
	if err != nil {
		return err
	}
	if paidIn != keys {
		f.violated(Keys, "top-ups", "%d keys paid in, the ledger has %d entries", keys, paidIn)
	}
	return nil
}

func checkReturnKeys(ctx context.Context, q querier, f *findings) error {
	begun, err := queryInt(ctx, q, "SELECT COUNT(*) FROM orders WHERE return_requested_at > 0")
	if err != nil {
		return err
	}
	keys, err := queryInt(ctx, q, "SELECT COUNT(*) FROM idempotency WHERE route = 'POST /v1/orders/{id}/return'")
	if err != nil {
		return err
	}
	if begun != keys {
		f.violated(Keys, "returns", "%d keys returned orders, %d orders were returned", keys, begun)
	}
	return nil
}
