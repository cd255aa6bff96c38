// Package httpapi is the user service's HTTP surface: one file per endpoint or group of them.
package httpapi

import (
	"context"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/services/user/internal/user"
)

// Registrar opens accounts.
type Registrar interface {
	Register(ctx context.Context, cmd user.Registration) (user.User, error)
}

// Doorkeeper opens and refreshes sessions.
type Doorkeeper interface {
	Login(ctx context.Context, email, password string) (user.Grant, error)
	Refresh(ctx context.Context, token user.RefreshToken) (user.Grant, error)
}

// API holds what the endpoints need.
type API struct {
	registrar  Registrar
	doorkeeper Doorkeeper
	accounts   user.Accounts
	sessions   user.Sessions
	addresses  *user.AddressBook
	blocks     user.Blocks
	changed    func() // told after each change of the blocks; does not block
}

// New makes the API.
func New(r Registrar, d Doorkeeper, accounts user.Accounts, sessions user.Sessions, addresses *user.AddressBook, blocks user.Blocks, changed func()) *API {
	return &API{registrar: r, doorkeeper: d, accounts: accounts, sessions: sessions, addresses: addresses, blocks: blocks, changed: changed}
}

// Register adds the routes to r.
func (a *API) Register(r gin.IRouter, v *auth.Verifier) {
	r.POST("/v1/users", a.register)
	r.POST("/v1/sessions", a.login)
	r.POST("/v1/sessions/refresh", a.refresh)

	owner := r.Group("/v1", httpserver.Authenticate(v))
	owner.GET("/sessions", a.listSessions)
	owner.DELETE("/sessions/current", a.logout)
	owner.DELETE("/sessions/:id", a.closeSession)
	owner.GET("/me", a.me)
	owner.PATCH("/me", a.updateMe)
	owner.GET("/addresses", a.listAddresses)
	owner.POST("/addresses", a.addAddress)
	owner.PUT("/addresses/:id", a.replaceAddress)
	owner.DELETE("/addresses/:id", a.removeAddress)

	admin := owner.Group("/admin/blocks", httpserver.RequireRole(auth.RoleAdmin))
	admin.GET("", a.listBlocks)
	admin.PUT("/:subject", a.block)
	admin.DELETE("/:subject", a.unblock)
}

func caller(c *gin.Context) user.ID { return user.ID(httpserver.Caller(c).UserID) }
