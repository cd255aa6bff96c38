package waitlist

import (
	"context"
	"fmt"

	"souk.example/pkg/database"
)

// Extent is a stretch of up to limit of a table's rows with after < key <
// before, without those that wait: a [Walk] then reads of the rows up to Last
// only these. The database counts keys and sends none.
func Extent(ctx context.Context, tx *database.Tx, table, key string, after, before int64, limit int) (s Stretch, err error) {
	err = tx.QueryRow(ctx, "SELECT COUNT(*), COALESCE(MAX("+key+"), 0) FROM (SELECT "+key+" FROM "+table+
		" WHERE "+key+" > ? AND "+key+" < ? ORDER BY "+key+" LIMIT ?) AS stretch", after, before, limit).Scan(&s.Rows, &s.Last)
	if err != nil {
		return s, fmt.Errorf("measure %s after %d: %w", table, after, err)
	}
	return s, nil
}
