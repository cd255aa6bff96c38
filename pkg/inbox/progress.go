package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// progress returns SQL's next_offset of a partition, 0 when there is none.
func (i *Inbox) progress(ctx context.Context, topic string, partition int32) (next int64, err error) {
	const query = "SELECT next_offset FROM consumer_progress WHERE grp = ? AND topic = ? AND part = ?"
	err = i.db.QueryRow(ctx, query, i.cfg.Group, topic, partition).Scan(&next)
	if errors.Is(err, database.ErrNotFound) {
		return 0, nil
	}
	return next, err
}

// awaitProgress reads the progress however long that takes, but fails when
// the claim's context ends.
func (i *Inbox) awaitProgress(ctx context.Context, c eventbus.Claim) (int64, error) {
	for wait := newBackoff(); ; {
		next, err := i.progress(ctx, c.Topic(), c.Partition())
		if err == nil {
			return next, nil
		}
		if !wait.pause(ctx) {
			return 0, err
		}
		i.logger.Warn("inbox cannot read its progress", slog.Any("error", err))
	}
}

// checkLoss raises the alarm when the log does not go on where SQL stands.
// Nothing can be done about it here: senders that wait send again.
func (i *Inbox) checkLoss(c eventbus.Claim, next int64) {
	gap := next > 0 && c.InitialOffset() > next
	truncated := c.LogEnd() < next
	if !gap && !truncated {
		return
	}
	i.metrics.losses.Inc()
	i.logger.Error("inbox has lost records",
		slog.String("topic", c.Topic()), slog.Int("partition", int(c.Partition())),
		slog.Int64("next_offset", next), slog.Int64("first_offset", c.InitialOffset()),
		slog.Int64("log_end", c.LogEnd()))
}

// saveProgress raises the progress of the batch's partitions.
func (i *Inbox) saveProgress(ctx context.Context, tx *database.Tx, b *batch) error {
	var rows [][]any
	for _, at := range b.partitions() {
		rows = append(rows, []any{i.cfg.Group, at.topic, at.partition, b.next[at]})
	}
	// A member that lost the partition may come late: never lower it.
	err := tx.Upsert(ctx, "consumer_progress",
		[]string{"grp", "topic", "part"},
		[]string{"grp", "topic", "part", "next_offset"}, rows,
		map[string]string{"next_offset": "CASE WHEN new(next_offset) > old(next_offset) THEN new(next_offset) ELSE old(next_offset) END"})
	if err != nil {
		return fmt.Errorf("save progress: %w", err)
	}
	return nil
}

// commitOffsets moves Kafka's bookmarks up to what SQL holds. A bookmark that
// stays behind only brings records again.
func (i *Inbox) commitOffsets(b *batch) {
	for s, next := range b.sources() {
		s.reach(next)
		err := s.claim.Commit(next)
		if err != nil && !errors.Is(err, eventbus.ErrClaimEnded) {
			i.logger.Warn("inbox offset not committed", slog.Any("error", err))
		}
	}
}

// backoff is a pause that doubles from 50 ms to 5 s.
type backoff struct{ d time.Duration }

func newBackoff() *backoff { return &backoff{50 * time.Millisecond} }

// pause waits and reports whether ctx is still alive.
func (b *backoff) pause(ctx context.Context) bool {
	timer := time.NewTimer(b.d)
	defer timer.Stop()
	b.d = min(2*b.d, 5*time.Second)
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
