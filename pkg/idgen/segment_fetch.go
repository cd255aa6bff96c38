package idgen

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"souk.example/pkg/database"
)

// fetchPause is how long Run waits after a failure.
const fetchPause = 100 * time.Millisecond

// Run fetches segments ahead of need until ctx ends, and returns nil. A failure
// is tried again; Next meets it when the ids run out.
func (s *Segment) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.low:
		}
		for s.fill(ctx, s.step/2) != nil {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(fetchPause):
			}
		}
	}
}

// fetch takes the next segment of the sequence. A commit whose outcome is lost
// leaves a gap at worst.
func (s *Segment) fetch(ctx context.Context) (span, error) {
	for {
		var got span
		err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
			got, err = s.advance(ctx, tx)
			return err
		})
		if !errors.Is(err, ErrTaken) {
			return got, err
		}
	}
}

// advance moves the sequence by a step, if nobody else did since it was read.
func (s *Segment) advance(ctx context.Context, tx *database.Tx) (span, error) {
	next := int64(1)
	err := tx.QueryRow(ctx, "SELECT next_id FROM segment WHERE name = ?", s.name).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return span{next, next + s.step}, s.begin(ctx, tx, next+s.step)
	}
	if err != nil {
		return span{}, err
	}
	n, err := tx.Exec(ctx, "UPDATE segment SET next_id = ? WHERE name = ? AND next_id = ?", next+s.step, s.name, next)
	if err == nil && n == 0 {
		err = ErrTaken
	}
	return span{next, next + s.step}, err
}

func (s *Segment) begin(ctx context.Context, tx *database.Tx, next int64) error {
	err := tx.Insert(ctx, "segment", []string{"name", "next_id"}, [][]any{{s.name, next}})
	if errors.Is(err, database.ErrDuplicate) {
		err = ErrTaken
	}
	return err
}
