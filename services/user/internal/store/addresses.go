package store

import (
	"context"
	"errors"
	"fmt"

	"souk.example/pkg/database"
	"souk.example/services/user/internal/user"
)

type addressRow struct {
	ID         int64 `gorm:"primaryKey;autoIncrement:false"`
	UserID     int64
	Recipient  string
	Phone      string
	Line1      string
	Line2      string
	City       string
	Region     string
	PostalCode string
	Country    string
	IsDefault  bool
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	UpdatedAt  int64 `gorm:"autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (addressRow) TableName() string { return "address" }

func addressRowFrom(a user.Address) addressRow {
	return addressRow{
		ID: int64(a.ID), UserID: int64(a.User), Recipient: a.Recipient, Phone: a.Phone, Line1: a.Line1, Line2: a.Line2,
		City: a.City, Region: a.Region, PostalCode: a.PostalCode, Country: a.Country, IsDefault: a.Default,
		CreatedAt: database.Micros(a.CreatedAt), UpdatedAt: database.Micros(a.UpdatedAt),
	}
}

func (r addressRow) address() user.Address {
	return user.Address{
		ID: user.AddressID(r.ID), User: user.ID(r.UserID),
		Place: user.Place{
			Recipient: r.Recipient, Phone: r.Phone, Line1: r.Line1, Line2: r.Line2,
			City: r.City, Region: r.Region, PostalCode: r.PostalCode, Country: r.Country, Default: r.IsDefault,
		},
		CreatedAt: database.Time(r.CreatedAt), UpdatedAt: database.Time(r.UpdatedAt),
	}
}

// Addresses implements user.Addresses. Changes of one user's addresses take
// turns: each locks the user's row first, so what it counts and what it finds
// to be the default stand until it commits.
type Addresses struct{ db *database.DB }

// NewAddresses makes an Addresses.
func NewAddresses(db *database.DB) *Addresses { return &Addresses{db: db} }

// Add implements user.Addresses.
func (s *Addresses) Add(ctx context.Context, a user.Address) (user.Address, error) {
	var row addressRow
	err := s.change(ctx, a.User, func(tx *database.Tx) error {
		row = addressRowFrom(a)
		var n int64
		if err := tx.ORM().Model(&addressRow{}).Where("user_id = ?", row.UserID).Count(&n).Error; err != nil {
			return err
		}
		if n >= user.MaxAddresses {
			return user.ErrTooManyAddresses
		}
		row.IsDefault = row.IsDefault || n == 0
		if err := giveWay(tx, row); err != nil {
			return err
		}
		return tx.ORM().Create(&row).Error
	})
	if err != nil {
		return user.Address{}, fmt.Errorf("add address: %w", err)
	}
	return row.address(), nil
}

// Replace implements user.Addresses.
func (s *Addresses) Replace(ctx context.Context, a user.Address) (user.Address, error) {
	row := addressRowFrom(a)
	err := s.change(ctx, a.User, func(tx *database.Tx) error {
		var before addressRow
		err := tx.ORM().Where("id = ? AND user_id = ?", row.ID, row.UserID).Take(&before).Error
		if errors.Is(err, database.ErrNotFound) {
			return user.ErrAddressNotFound
		}
		if err != nil {
			return err
		}
		row.CreatedAt = before.CreatedAt
		if err := giveWay(tx, row); err != nil {
			return err
		}
		return tx.ORM().Save(&row).Error
	})
	if err != nil {
		return user.Address{}, fmt.Errorf("replace address: %w", err)
	}
	return row.address(), nil
}

// giveWay has the user's default, if it is another, give way to the row when
// that is to be it.
func giveWay(tx *database.Tx, row addressRow) error {
	if !row.IsDefault {
		return nil
	}
	return tx.ORM().Model(&addressRow{}).
		Where("user_id = ? AND is_default = ? AND id <> ?", row.UserID, true, row.ID).
		Updates(map[string]any{"is_default": false, "updated_at": row.UpdatedAt}).Error
}

// Remove implements user.Addresses.
func (s *Addresses) Remove(ctx context.Context, owner user.ID, id user.AddressID) error {
	err := s.change(ctx, owner, func(tx *database.Tx) error {
		n, err := tx.Exec(ctx, "DELETE FROM address WHERE id = ? AND user_id = ?", int64(id), int64(owner))
		if err == nil && n == 0 {
			err = user.ErrAddressNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("remove address: %w", err)
	}
	return nil
}

func (s *Addresses) change(ctx context.Context, owner user.ID, how func(*database.Tx) error) error {
	return s.db.InTx(ctx, func(_ context.Context, tx *database.Tx) error {
		if _, err := find(locked(tx).Where("id = ?", int64(owner))); err != nil {
			return err
		}
		return how(tx)
	})
}

// List implements user.Addresses.
func (s *Addresses) List(ctx context.Context, owner user.ID, after user.AddressID, limit int) ([]user.Address, error) {
	var rows []addressRow
	err := s.db.ORM(ctx).Where("user_id = ? AND id > ?", int64(owner), int64(after)).Order("id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	addresses := make([]user.Address, len(rows))
	for i, row := range rows {
		addresses[i] = row.address()
	}
	return addresses, nil
}
