package user

import "context"

// Refresh exchanges a refresh token for a new grant, or is ErrInvalidRefresh or
// ErrBlocked. A
// token is good once. One that comes a second time is in two hands, and as
// nobody can tell the thief from the owner the whole session ends (RFC 9700,
// section 4.14.2). There is no grace period: a client that refreshes twice at
// once, or loses the reply, logs in again.
func (d *Doorkeeper) Refresh(ctx context.Context, token RefreshToken) (Grant, error) {
	if token == "" || len(token) > maxRefresh {
		return Grant{}, ErrInvalidRefresh
	}
	next := newRefreshToken()
	s, u, err := d.sessions.Rotate(ctx, token.Hash(), next.Hash(), d.now())
	if err != nil {
		return Grant{}, err
	}
	return d.grant(u, s.ID, next)
}
