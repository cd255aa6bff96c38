package waitlist

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"souk.example/pkg/database"
)

// due lists up to limit ids that are due for a reason, the longest due ones,
// in id order.
func due(ctx context.Context, tx *database.Tx, why string, now time.Time, limit int) (ids []int64, err error) {
	rows, err := tx.Query(ctx, "SELECT order_id FROM straggler WHERE why = ? AND due <= ? ORDER BY due LIMIT ?", why, database.Micros(now), limit)
	if err != nil {
		return nil, fmt.Errorf("look for what is due: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, rows.Err()
}

// relist takes ids off the list, but for those that are to be looked at again.
func relist(ctx context.Context, tx *database.Tx, why string, ids []int64, again []Entry) error {
	stay := make(map[int64]bool, len(again))
	for _, e := range again {
		stay[e.ID] = true
	}
	gone := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return stay[id] })
	if err := strike(ctx, tx, why, gone); err != nil {
		return err
	}
	return postpone(ctx, tx, why, again)
}

func strike(ctx context.Context, tx *database.Tx, why string, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	in, args := database.In(ids)
	if _, err := tx.Exec(ctx, "DELETE FROM straggler WHERE order_id IN "+in+" AND why = ?", append(args, why)...); err != nil {
		return fmt.Errorf("strike %d stragglers: %w", len(ids), err)
	}
	return nil
}

func postpone(ctx context.Context, tx *database.Tx, why string, entries []Entry) error {
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	rows := make([][]any, len(entries))
	for i, e := range entries {
		rows[i] = []any{e.ID, why, database.Micros(e.Due)}
	}
	_, err := tx.UpdateMany(ctx, database.UpdateMany{
		Table: "straggler", Key: []string{"order_id", "why"}, Values: []string{"due"}, Rows: rows, Set: map[string]string{"due": "v.due"},
	})
	return err
}
