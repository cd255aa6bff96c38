package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"souk.example/services/order/internal/order"
)

// Get implements order.Reader.
func (s *Store) Get(ctx context.Context, user order.UserID, id order.ID) (*order.State, error) {
	var row orderRow
	err := s.db.ORM(ctx).Where("id = ? AND user_id = ?", int64(id), int64(user)).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, order.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("get order: %w", err)
	}
	return row.state()
}

// List implements order.Reader.
func (s *Store) List(ctx context.Context, user order.UserID, f order.Filter) ([]*order.State, error) {
	q := s.db.ORM(ctx).Where("user_id = ?", int64(user))
	if f.Status != "" {
		q = q.Where("status = ?", string(f.Status))
	}
	if f.Before != 0 {
		q = q.Where("id < ?", int64(f.Before))
	}
	var rows []orderRow
	if err := q.Order("id DESC").Limit(f.Limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list orders: %w", err)
	}
	states := make([]*order.State, len(rows))
	for i := range rows {
		st, err := rows[i].state()
		if err != nil {
			return nil, err
		}
		states[i] = st
	}
	return states, nil
}

// HasSnapshot reports whether the projection knows a whole catalogue, which
// is never an empty one, and not only what events have told.
func (s *Store) HasSnapshot(ctx context.Context) (bool, error) {
	var one int
	err := s.db.ORM(ctx).Raw("SELECT 1 FROM price_snapshot WHERE EXISTS (SELECT 1 FROM price)").Scan(&one).Error
	return one == 1, err
}
