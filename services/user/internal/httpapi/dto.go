package httpapi

import (
	"strconv"
	"time"

	"souk.example/services/user/internal/user"
)

type registerRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Name     string `json:"name"`
}

type loginRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type refreshRequest struct {
	RefreshToken string `json:"refresh_token"`
}

// updateRequest changes only the fields it names.
type updateRequest struct {
	Name *string `json:"name" null:"refuse"`
}

type userResponse struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	Role      string `json:"role"`
	CreatedAt string `json:"created_at"`
}

func userResponseFrom(u user.User) userResponse {
	return userResponse{
		ID: strconv.FormatInt(int64(u.ID), 10), Email: string(u.Email), Name: u.Name,
		Role: string(u.Role), CreatedAt: timestamp(u.CreatedAt),
	}
}

type grantResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token"`
}

func grantResponseFrom(g user.Grant) grantResponse {
	return grantResponse{
		AccessToken: g.AccessToken, TokenType: "Bearer",
		ExpiresIn: int64(g.ExpiresIn / time.Second), RefreshToken: string(g.Refresh),
	}
}

type sessionResponse struct {
	ID          string `json:"id"`
	CreatedAt   string `json:"created_at"`
	RefreshedAt string `json:"refreshed_at"`
	ExpiresAt   string `json:"expires_at"`
	Current     bool   `json:"current"`
}

type sessionsResponse struct {
	Items      []sessionResponse `json:"items"`
	NextCursor *string           `json:"next_cursor"`
}

func sessionResponseFrom(s user.Session, current user.SessionID) sessionResponse {
	return sessionResponse{
		ID: strconv.FormatInt(int64(s.ID), 10), CreatedAt: timestamp(s.CreatedAt),
		RefreshedAt: timestamp(s.RefreshedAt), ExpiresAt: timestamp(s.ExpiresAt), Current: s.ID == current,
	}
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
