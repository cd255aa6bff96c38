// Package store keeps users, their sessions and their addresses in SQL.
package store

import (
	"souk.example/pkg/database"
	"souk.example/services/user/internal/user"
)

type userRow struct {
	ID           int64 `gorm:"primaryKey;autoIncrement:false"`
	Email        string
	Name         string
	Role         string
	PasswordHash string
	CreatedAt    int64 `gorm:"autoCreateTime:false"`
	UpdatedAt    int64 `gorm:"autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (userRow) TableName() string { return "users" }

func userRowFrom(u user.User) userRow {
	return userRow{
		ID: int64(u.ID), Email: string(u.Email), Name: u.Name, Role: string(u.Role), PasswordHash: u.PasswordHash,
		CreatedAt: database.Micros(u.CreatedAt), UpdatedAt: database.Micros(u.UpdatedAt),
	}
}

func (r userRow) user() user.User {
	return user.User{
		ID: user.ID(r.ID), Email: user.Email(r.Email), Name: r.Name, Role: user.Role(r.Role), PasswordHash: r.PasswordHash,
		CreatedAt: database.Time(r.CreatedAt), UpdatedAt: database.Time(r.UpdatedAt),
	}
}

type sessionRow struct {
	ID          int64 `gorm:"primaryKey;autoIncrement:false"`
	UserID      int64
	CreatedAt   int64 `gorm:"autoCreateTime:false"`
	RefreshedAt int64
	ExpiresAt   int64
}

// TableName implements gorm's Tabler.
func (sessionRow) TableName() string { return "session" }

func sessionRowFrom(s user.Session) sessionRow {
	return sessionRow{
		ID: int64(s.ID), UserID: int64(s.User), CreatedAt: database.Micros(s.CreatedAt),
		RefreshedAt: database.Micros(s.RefreshedAt), ExpiresAt: database.Micros(s.ExpiresAt),
	}
}

func (r sessionRow) session() user.Session {
	return user.Session{
		ID: user.SessionID(r.ID), User: user.ID(r.UserID), CreatedAt: database.Time(r.CreatedAt),
		RefreshedAt: database.Time(r.RefreshedAt), ExpiresAt: database.Time(r.ExpiresAt),
	}
}

type tokenRow struct {
	TokenHash string `gorm:"primaryKey"`
	SessionID int64
	UsedAt    int64
}

// TableName implements gorm's Tabler.
func (tokenRow) TableName() string { return "refresh_token" }
