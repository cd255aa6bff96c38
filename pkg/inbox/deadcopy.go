package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// copyMax is how many dead letters are copied in one round.
const copyMax = 100

// copyDead publishes what is dead and not copied yet. A copy may be published
// twice, by two processes or after a failure in between: it is the same event.
// One that the broker refuses is tried again, and has no other tried again.
func (r *redriver) copyDead(ctx context.Context) error {
	ids, records, err := r.uncopied(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	copied, err := r.publishCopies(ctx, ids, records)
	if len(copied) == 0 {
		return err
	}
	in, args := database.In(copied)
	_, markErr := r.db.Exec(ctx, "UPDATE dead_letter SET copied = 1 WHERE id IN "+in, args...)
	return errors.Join(err, markErr)
}

// publishCopies returns whose records the broker has, and why not all are.
func (r *redriver) publishCopies(ctx context.Context, ids []int64, records []eventbus.Record) (copied []int64, err error) {
	errs := r.bus.Publish(ctx, records)
	for n, id := range ids {
		switch {
		case errs == nil || errs[n] == nil:
			copied = append(copied, id)
		case err == nil:
			err = fmt.Errorf("copy dead letter %d to %s: %w", id, DeadLetterTopic(r.cfg.Group), errs[n])
		}
	}
	return copied, err
}

func (r *redriver) uncopied(ctx context.Context) (ids []int64, records []eventbus.Record, err error) {
	const query = "SELECT id, payload FROM dead_letter WHERE grp = ? AND status = ? AND copied = 0 ORDER BY id LIMIT ?"
	rows, err := r.db.Query(ctx, query, r.cfg.Group, string(Dead), copyMax)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		record := eventbus.Record{Topic: DeadLetterTopic(r.cfg.Group)}
		if err := rows.Scan(&id, &record.Value); err != nil {
			return nil, nil, err
		}
		ids, records = append(ids, id), append(records, record)
	}
	return ids, records, rows.Err()
}

// countUnresolved shows how much waits.
func (r *redriver) countUnresolved(ctx context.Context) error {
	for _, status := range []Status{Waiting, Dead} {
		var n int64
		const query = "SELECT COUNT(*) FROM dead_letter WHERE grp = ? AND status = ?"
		if err := r.db.QueryRow(ctx, query, r.cfg.Group, string(status)).Scan(&n); err != nil {
			return err
		}
		r.metrics.unresolved(status, n)
	}
	return nil
}

// outage keeps a failure that lasts from being logged more than once. Not safe
// for concurrent use.
type outage struct{ lasts bool }

func (o *outage) note(log *slog.Logger, err error) {
	if err != nil && !o.lasts {
		log.Warn("inbox keeps its dead letters to itself", slog.Any("error", err))
	}
	o.lasts = err != nil
}
