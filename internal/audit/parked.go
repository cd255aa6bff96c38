package audit

import "context"

// readParked notes the keys whose messages were set aside: what those orders
// lack is known and listed apart. It reads every database, in the order in
// which the snapshots are to be fixed (a snapshot begins with its first read).
func readParked(ctx context.Context, s snapshots, f *findings) error {
	for _, q := range []querier{s.points, s.payment, s.inventory, s.order} {
		waiting, err := queryInt(ctx, q, "SELECT COUNT(*) FROM dead_letter WHERE resolved_by = ''")
		if err != nil {
			return err
		}
		f.messages += int(waiting)
		var key string
		err = each(ctx, q, "SELECT k FROM parked_key", []any{&key}, func() error {
			f.parked[key] = true
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readClock notes the time of the order's snapshot, which the check before it has
// just begun: what is read from it later may take long, and is that old then.
func readClock(ctx context.Context, s snapshots, f *findings) (err error) {
	f.asOf, err = s.order.Now(ctx)
	return err
}
