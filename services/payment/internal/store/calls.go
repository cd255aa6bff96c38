package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/tracing"
	"souk.example/services/payment/internal/payment"
)

var callColumns = []string{"call_key", "kind", "order_id", "amount", "currency", "instrument", "attempts", "owner", "due_at"}

// callRow is a call that may be made from due on.
func callRow(c payment.Call, due time.Time) []any {
	instrument := c.Charge
	if c.Kind == payment.Charge {
		instrument = c.Token.Reveal()
	}
	return []any{c.Key, string(c.Kind), int64(c.Order), c.Amount.Minor(), string(c.Amount.Currency()), instrument, 0, "", database.Micros(due)}
}

// atOnce is how long ago a new call is due: calls are made in the order in which
// they are due, and no clock's rounding delays one.
const atOnce = 10 * time.Millisecond

// addCalls stores calls and has them made once the transaction stands.
func (j *Journal) addCalls(ctx context.Context, tx *database.Tx, calls []payment.Call) error {
	if len(calls) == 0 {
		return nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	rows, origins := make([][]any, len(calls)), tracing.OriginsFrom(ctx)
	for i, c := range calls {
		rows[i] = callRow(c, now.Add(-atOnce))
		j.traces.keep(c.Key, origins.TraceParent(c.Subject())) // before anybody can claim it
	}
	if err := tx.Insert(ctx, "provider_call", callColumns, rows); err != nil {
		return fmt.Errorf("add %d calls: %w", len(rows), err)
	}
	tx.OnCommit(j.bell.Ring)
	return nil
}

func endCalls(ctx context.Context, tx *database.Tx, keys []string) error {
	keys = slices.Sorted(slices.Values(keys))
	rows := make([][]any, len(keys))
	for i, key := range keys {
		rows[i] = []any{key}
	}
	if _, err := tx.DeleteMany(ctx, "provider_call", callColumns[:1], rows); err != nil {
		return fmt.Errorf("end %d calls: %w", len(rows), err)
	}
	return nil
}

// putOff gives calls back, to be made again after their pause.
func putOff(ctx context.Context, tx *database.Tx, calls []payment.Later) error {
	if len(calls) == 0 {
		return nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	calls = slices.SortedFunc(slices.Values(calls), func(a, b payment.Later) int { return strings.Compare(a.Key, b.Key) })
	rows := make([][]any, len(calls))
	for i, c := range calls {
		rows[i] = []any{c.Key, string(c.Claim), database.Micros(now.Add(c.Pause)), 0}
		if c.NotSent {
			rows[i][3] = 1
		}
	}
	n, err := tx.UpdateMany(ctx, database.UpdateMany{
		Table: "provider_call", Key: callColumns[:1], Values: []string{"claimant", "due", "uncounted"}, Rows: rows,
		Set:   map[string]string{"owner": "''", "due_at": "v.due", "attempts": "t.attempts - v.uncounted"},
		Where: "t.owner = v.claimant",
	})
	return unchanged("calls", n, err, len(rows))
}
