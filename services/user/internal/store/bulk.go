package store

import (
	"context"
	"time"

	"souk.example/pkg/database"
	"souk.example/services/user/internal/user"
)

// bulkChunk keeps a statement within every engine's limits.
const bulkChunk = 1000

// EnsureBulk returns the users with the addresses given, in their order. It
// adds those that are missing, in the shopper's role and without a password.
func (s *Users) EnsureBulk(ctx context.Context, ids user.IDs, emails []user.Email, at time.Time) ([]user.User, error) {
	known, err := s.byEmails(ctx, emails)
	if err != nil {
		return nil, err
	}
	missing, err := newRows(ids, emails, known, at)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		if err := s.insertIgnore(ctx, missing); err != nil {
			return nil, err
		}
		if known, err = s.byEmails(ctx, emails); err != nil { // another process may have added some first
			return nil, err
		}
	}
	users := make([]user.User, len(emails))
	for i, email := range emails {
		users[i] = known[email]
	}
	return users, nil
}

func newRows(ids user.IDs, emails []user.Email, known map[user.Email]user.User, at time.Time) ([][]any, error) {
	var rows [][]any
	for _, email := range emails {
		if _, ok := known[email]; ok {
			continue
		}
		id, err := ids.Next()
		if err != nil {
			return nil, err
		}
		rows = append(rows, []any{id, string(email), "Load test", string(user.Shopper), user.Unusable, database.Micros(at), database.Micros(at)})
	}
	return rows, nil
}

func (s *Users) insertIgnore(ctx context.Context, rows [][]any) error {
	columns := []string{"id", "email", "name", "role", "password_hash", "created_at", "updated_at"}
	return s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.InsertIgnore(ctx, "users", columns, rows)
		return err
	})
}

func (s *Users) byEmails(ctx context.Context, emails []user.Email) (map[user.Email]user.User, error) {
	found := make(map[user.Email]user.User, len(emails))
	for start := 0; start < len(emails); start += bulkChunk {
		var rows []userRow
		chunk := emails[start:min(start+bulkChunk, len(emails))]
		if err := s.db.ORM(ctx).Where("email IN ?", chunk).Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, row := range rows {
			found[user.Email(row.Email)] = row.user()
		}
	}
	return found, nil
}
