package store

import (
	"context"
	"fmt"

	"souk.example/pkg/database"
	"souk.example/services/payment/internal/payment"
)

// dropOrphans ends those of the calls that are about nothing open, and returns
// them apart from the others.
func dropOrphans(ctx context.Context, tx *database.Tx, calls []payment.Call) (open, orphans []payment.Call, err error) {
	called, err := keysInCall(ctx, tx, calls)
	if err != nil {
		return nil, nil, err
	}
	var keys []string
	for _, c := range calls {
		if called[c.Key] {
			open = append(open, c)
			continue
		}
		orphans, keys = append(orphans, c), append(keys, c.Key)
	}
	return open, orphans, endCalls(ctx, tx, keys)
}

// keysInCall lists the keys of the calls that are about what is Calling.
func keysInCall(ctx context.Context, tx *database.Tx, calls []payment.Call) (map[string]bool, error) {
	keys := make([]string, len(calls))
	for i, c := range calls {
		keys[i] = c.Key
	}
	in, args := database.In(keys)
	rows, err := tx.Query(ctx,
		"SELECT c.call_key FROM provider_call c JOIN payment p ON c.kind = 'charge' AND p.order_id = c.order_id WHERE p.status = 'CALLING' AND c.call_key IN "+in+
			" UNION ALL SELECT r.refund_id FROM refund r WHERE r.status = 'CALLING' AND r.refund_id IN "+in,
		append(args, args...)...)
	if err != nil {
		return nil, fmt.Errorf("look for what %d calls are about: %w", len(calls), err)
	}
	defer rows.Close()
	found := make(map[string]bool, len(calls))
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("read call: %w", err)
		}
		found[key] = true
	}
	return found, rows.Err()
}
