package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/failpoint"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// Claim implements payment.Calls. Looking costs a reader nothing, so an idle
// worker that polls disturbs nobody.
func (j *Journal) Claim(ctx context.Context, as payment.ClaimID, limit int, lease time.Duration) (calls, orphans []payment.Call, err error) {
	begun := time.Now() // before the database looks at its own clock
	keys, now, err := j.due(ctx, limit)
	if err != nil || len(keys) == 0 {
		return nil, nil, err
	}
	err = j.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		calls, orphans, err = claim(ctx, tx, as, keys, now, lease)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("claim calls: %w", err)
	}
	for i := range calls {
		calls[i].Until = begun.Add(lease)
		calls[i].TraceParent = j.traces.forCall(calls[i].Key)
	}
	return calls, orphans, nil
}

// due lists calls that are due, in key order, and the time. It begins in turn
// with those that wait the longest and with those of the newest orders: where
// there is room for few, because the provider is silent about some, those must
// keep neither new ones from being made nor old ones from being made again
// (adaptive LIFO: B. Maurer, "Fail at Scale", 2015).
func (j *Journal) due(ctx context.Context, limit int) (keys []string, now time.Time, err error) {
	order := "due_at"
	if j.looks.Add(1)%2 == 0 {
		order = "order_id DESC"
	}
	err = j.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		if now, err = tx.Now(ctx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT call_key FROM provider_call WHERE due_at <= ? ORDER BY "+order+" LIMIT ?", database.Micros(now), limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key string
			if err := rows.Scan(&key); err != nil {
				return err
			}
			keys = append(keys, key)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, now, fmt.Errorf("look for calls: %w", err)
	}
	slices.Sort(keys)
	return keys, now, nil
}

// claim takes those of the calls that nobody has taken meanwhile, and commits
// what they are about as Calling.
func claim(ctx context.Context, tx *database.Tx, as payment.ClaimID, keys []string, now time.Time, lease time.Duration) (calls, orphans []payment.Call, err error) {
	rows := make([][]any, len(keys))
	for i, key := range keys {
		rows[i] = []any{key, string(as), database.Micros(now.Add(lease)), database.Micros(now)}
	}
	_, err = tx.UpdateMany(ctx, database.UpdateMany{
		Table: "provider_call", Key: callColumns[:1], Values: []string{"claimant", "until", "at"}, Rows: rows,
		Set:   map[string]string{"owner": "v.claimant", "due_at": "v.until", "attempts": "t.attempts + 1"},
		Where: "t.due_at <= v.at",
	})
	if err != nil {
		return nil, nil, err
	}
	if calls, err = claimed(ctx, tx, as, keys); err != nil {
		return nil, nil, err
	}
	if calls, orphans, err = markCalling(ctx, tx, calls, now); err != nil {
		return nil, nil, err
	}
	for _, c := range calls {
		failpoint.Hit(string(c.Kind) + "-before-claim-commit")
	}
	return calls, orphans, nil
}

func claimed(ctx context.Context, tx *database.Tx, as payment.ClaimID, keys []string) (calls []payment.Call, err error) {
	in, args := database.In(keys)
	rows, err := tx.Query(ctx,
		"SELECT call_key, kind, order_id, amount, currency, instrument, attempts FROM provider_call WHERE call_key IN "+in+" AND owner = ? ORDER BY call_key",
		append(args, string(as))...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanCall(rows)
		if err != nil {
			return nil, err
		}
		c.Claim = as
		calls = append(calls, c)
	}
	return calls, rows.Err()
}

func scanCall(rows *sql.Rows) (c payment.Call, err error) {
	var amount int64
	var currency, instrument string
	err = rows.Scan(&c.Key, &c.Kind, &c.Order, &amount, &currency, &instrument, &c.Attempts)
	c.Amount = money.Of(amount, money.Currency(currency))
	if c.Kind == payment.Charge {
		c.Token = config.Secret(instrument)
	} else {
		c.Charge = instrument
	}
	return c, err
}

// markCalling sets what the calls are about to Calling. A call exists as long
// as its payment or refund is open, so all of them can be; where somebody's hand
// has changed that, the call is dropped and the others go on.
func markCalling(ctx context.Context, tx *database.Tx, calls []payment.Call, now time.Time) (open, orphans []payment.Call, err error) {
	var charges, returns [][]any
	for _, c := range calls {
		if c.Kind == payment.Charge {
			charges = append(charges, []any{int64(c.Order), string(payment.Calling), database.Micros(now)})
		} else {
			returns = append(returns, []any{c.Key, string(payment.Calling), database.Micros(now)})
		}
	}
	// Calls come in the order of their keys, which are texts; rows are locked
	// in the order of theirs.
	slices.SortFunc(charges, func(a, b []any) int { return cmp.Compare(a[0].(int64), b[0].(int64)) })
	taken, err := openTo(ctx, tx, "payment", "order_id", charges)
	if err != nil {
		return nil, nil, err
	}
	returned, err := openTo(ctx, tx, "refund", "refund_id", returns)
	if err != nil || taken+returned == int64(len(calls)) {
		return calls, nil, err
	}
	return dropOrphans(ctx, tx, calls)
}

// openTo moves open rows of (key, status, time), and counts them.
func openTo(ctx context.Context, tx *database.Tx, table, key string, rows [][]any) (int64, error) {
	n, err := tx.UpdateMany(ctx, database.UpdateMany{
		Table: table, Key: []string{key}, Values: []string{"now_is", "at"}, Rows: rows,
		Set:   map[string]string{"status": "v.now_is", "updated_at": "v.at"},
		Where: "t.status IN (" + openStatuses() + ")",
	})
	if err != nil {
		return 0, fmt.Errorf("mark %d %ss as called: %w", len(rows), table, err)
	}
	return n, nil
}

// openStatuses is the open statuses as SQL; they are constants of ours.
func openStatuses() string {
	var texts []string
	for _, s := range payment.OpenStatuses() {
		texts = append(texts, "'"+string(s)+"'")
	}
	return strings.Join(texts, ",")
}
