package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"souk.example/services/points/internal/points"
)

// Account implements points.Reader.
func (s *Store) Account(ctx context.Context, user points.UserID) (points.Account, error) {
	var row accountRow
	err := s.db.ORM(ctx).Where("user_id = ?", int64(user)).Take(&row).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return points.Account{}, fmt.Errorf("read points account: %w", err)
	}
	return row.account(), nil
}

// Entries implements points.Reader.
func (s *Store) Entries(ctx context.Context, user points.UserID, p points.Page) ([]points.Entry, error) {
	q := s.db.ORM(ctx).Where("user_id = ?", int64(user))
	if after := p.After; after != (points.EntryID{}) {
		id := int64(after.Order)
		q = q.Where("(order_id < ? OR (order_id = ? AND (rule > ? OR (rule = ? AND cause_id > ?))))", id, id, after.Rule, after.Rule, after.Cause)
	}
	var rows []entryRow
	if err := q.Order("order_id DESC, rule, cause_id").Limit(p.Limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list points entries: %w", err)
	}
	entries := make([]points.Entry, len(rows))
	for i, r := range rows {
		entries[i] = r.entry()
	}
	return entries, nil
}
