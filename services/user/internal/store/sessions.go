package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"souk.example/pkg/database"
	"souk.example/services/user/internal/user"
)

// Sessions implements user.Sessions.
type Sessions struct{ db *database.DB }

// NewSessions makes a Sessions.
func NewSessions(db *database.DB) *Sessions { return &Sessions{db: db} }

// locked reads rows for writing; SQLite's one writer has locked everything.
func locked(tx *database.Tx) *gorm.DB {
	if tx.ForUpdate() == "" {
		return tx.ORM()
	}
	return tx.ORM().Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
}

// Open implements user.Sessions.
func (s *Sessions) Open(ctx context.Context, session user.Session, token user.TokenHash) error {
	err := s.db.InTx(ctx, func(_ context.Context, tx *database.Tx) error {
		if err := refuseBlocked(tx, int64(session.User)); err != nil {
			return err
		}
		if err := dropExpired(tx, session.User, session.CreatedAt); err != nil {
			return err
		}
		row := sessionRowFrom(session)
		if err := tx.ORM().Create(&row).Error; err != nil {
			return err
		}
		return tx.ORM().Create(&tokenRow{TokenHash: string(token), SessionID: row.ID}).Error
	})
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	return nil
}

// dropExpired keeps the tables bounded by what people use, without a job.
func dropExpired(tx *database.Tx, owner user.ID, at time.Time) error {
	var ids []int64
	query := tx.ORM().Model(&sessionRow{}).Where("user_id = ? AND expires_at <= ?", int64(owner), database.Micros(at))
	if err := query.Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return err
	}
	return drop(tx, ids...)
}

func drop(tx *database.Tx, sessions ...int64) error {
	if err := tx.ORM().Where("session_id IN ?", sessions).Delete(&tokenRow{}).Error; err != nil {
		return err
	}
	return tx.ORM().Where("id IN ?", sessions).Delete(&sessionRow{}).Error
}

// Rotate implements user.Sessions. Of two rotations of one token the second
// waits for the first one's lock and then finds the token used.
func (s *Sessions) Rotate(ctx context.Context, used, next user.TokenHash, at time.Time) (session user.Session, owner user.User, err error) {
	reused := false
	err = s.db.InTx(ctx, func(_ context.Context, tx *database.Tx) (err error) {
		reused = false // this may be a rerun
		var token tokenRow
		if err := locked(tx).Where("token_hash = ?", string(used)).Take(&token).Error; err != nil {
			return err
		}
		if token.UsedAt != 0 {
			reused = true
			return drop(tx, token.SessionID) // this must be committed, so it is no error yet
		}
		session, owner, err = rotate(tx, token, next, at)
		return err
	})
	switch {
	case errors.Is(err, database.ErrNotFound), errors.Is(err, user.ErrNotFound):
		return user.Session{}, user.User{}, user.ErrInvalidRefresh
	case err != nil:
		return user.Session{}, user.User{}, fmt.Errorf("rotate refresh token: %w", err)
	case reused:
		return user.Session{}, user.User{}, fmt.Errorf("%w: used before, session ended", user.ErrInvalidRefresh)
	}
	return session, owner, nil
}

// rotate uses up a live token. An expired session counts as not there.
func rotate(tx *database.Tx, token tokenRow, next user.TokenHash, at time.Time) (user.Session, user.User, error) {
	var row sessionRow
	live := tx.ORM().Where("id = ? AND expires_at > ?", token.SessionID, database.Micros(at))
	if err := live.Take(&row).Error; err != nil {
		return user.Session{}, user.User{}, err
	}
	if err := refuseBlocked(tx, row.UserID); err != nil {
		return user.Session{}, user.User{}, err
	}
	row.RefreshedAt = database.Micros(at)
	if err := tx.ORM().Model(&row).Update("refreshed_at", row.RefreshedAt).Error; err != nil {
		return user.Session{}, user.User{}, err
	}
	if err := tx.ORM().Model(&token).Update("used_at", row.RefreshedAt).Error; err != nil {
		return user.Session{}, user.User{}, err
	}
	if err := tx.ORM().Create(&tokenRow{TokenHash: string(next), SessionID: row.ID}).Error; err != nil {
		return user.Session{}, user.User{}, err
	}
	owner, err := find(tx.ORM().Where("id = ?", row.UserID))
	return row.session(), owner, err
}

// Close implements user.Sessions.
func (s *Sessions) Close(ctx context.Context, owner user.ID, id user.SessionID) error {
	err := s.db.InTx(ctx, func(_ context.Context, tx *database.Tx) error {
		var row sessionRow
		err := locked(tx).Where("id = ? AND user_id = ?", int64(id), int64(owner)).Take(&row).Error
		if err != nil {
			return err
		}
		return drop(tx, row.ID)
	})
	if err != nil && !errors.Is(err, database.ErrNotFound) {
		return fmt.Errorf("close session: %w", err)
	}
	return nil
}

// List implements user.Sessions.
func (s *Sessions) List(ctx context.Context, owner user.ID, after user.SessionID, limit int, at time.Time) ([]user.Session, error) {
	var rows []sessionRow
	err := s.db.ORM(ctx).
		Where("user_id = ? AND id > ? AND expires_at > ?", int64(owner), int64(after), database.Micros(at)).
		Order("id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	sessions := make([]user.Session, len(rows))
	for i, row := range rows {
		sessions[i] = row.session()
	}
	return sessions, nil
}
