package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"souk.example/pkg/database"
	"souk.example/services/user/internal/user"
)

// Users implements user.Accounts.
type Users struct{ db *database.DB }

// NewUsers makes a Users.
func NewUsers(db *database.DB) *Users { return &Users{db: db} }

// Add implements user.Accounts.
func (s *Users) Add(ctx context.Context, u user.User) error {
	row := userRowFrom(u)
	err := s.db.InTx(ctx, func(_ context.Context, tx *database.Tx) error { return tx.ORM().Create(&row).Error })
	if errors.Is(err, database.ErrDuplicate) {
		return user.ErrEmailTaken // ids are never issued twice
	}
	if err != nil {
		return fmt.Errorf("add user: %w", err)
	}
	return nil
}

// ByEmail implements user.Accounts.
func (s *Users) ByEmail(ctx context.Context, email user.Email) (user.User, error) {
	return find(s.db.ORM(ctx).Where("email = ?", string(email)))
}

// ByID implements user.Accounts.
func (s *Users) ByID(ctx context.Context, id user.ID) (user.User, error) {
	return find(s.db.ORM(ctx).Where("id = ?", int64(id)))
}

func find(query *gorm.DB) (user.User, error) {
	var row userRow
	err := query.Take(&row).Error
	if errors.Is(err, database.ErrNotFound) {
		return user.User{}, user.ErrNotFound
	}
	if err != nil {
		return user.User{}, fmt.Errorf("find user: %w", err)
	}
	return row.user(), nil
}

// Update implements user.Accounts. The row is locked from the read to the
// write, so that changes do not undo each other.
func (s *Users) Update(ctx context.Context, id user.ID, change func(*user.User) error) (user.User, error) {
	var u user.User
	err := s.db.InTx(ctx, func(_ context.Context, tx *database.Tx) (err error) {
		if u, err = find(locked(tx).Where("id = ?", int64(id))); err != nil {
			return err
		}
		if err := change(&u); err != nil {
			return err
		}
		row := userRowFrom(u)
		return tx.ORM().Save(&row).Error
	})
	return u, err
}
