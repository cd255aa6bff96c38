package user

import (
	"time"

	"souk.example/pkg/auth"
	"souk.example/services/user/internal/user"
)

// minter tells pkg/auth who a user is.
type minter struct{ tokens *auth.Minter }

func newMinter(cfg Config) (minter, error) {
	tokens, err := auth.NewMinter(cfg.Minter)
	return minter{tokens: tokens}, err
}

// Mint implements user.Minter.
func (m minter) Mint(u user.User, s user.SessionID) (string, time.Time, error) {
	return m.tokens.Mint(auth.Claims{UserID: int64(u.ID), Role: string(u.Role), SessionID: int64(s)})
}
