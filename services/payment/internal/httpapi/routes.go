// Package httpapi is payment's HTTP surface: one file per endpoint.
package httpapi

import (
	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/services/payment/internal/payment"
)

// API holds what the endpoints need.
type API struct {
	teller  *payment.Teller
	wallets payment.Wallets
}

// New makes the API.
func New(teller *payment.Teller, wallets payment.Wallets) *API {
	return &API{teller: teller, wallets: wallets}
}

// Register adds the routes to r; every one is its owner's alone.
func (a *API) Register(r gin.IRouter, v *auth.Verifier) {
	g := r.Group("/v1/wallet", httpserver.Authenticate(v))
	g.GET("", a.wallet)
	g.POST("/topups", a.topUp)
}

func caller(c *gin.Context) payment.UserID { return payment.UserID(httpserver.Caller(c).UserID) }
