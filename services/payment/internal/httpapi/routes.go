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
	teller   *payment.Teller
	wallets  payment.Wallets
	recorder Recorder
	webhooks Webhooks
}

// New makes the API.
func New(teller *payment.Teller, wallets payment.Wallets, recorder Recorder, webhooks Webhooks) *API {
	return &API{teller: teller, wallets: wallets, recorder: recorder, webhooks: webhooks}
}

// Register adds the routes to r; every one is its owner's alone, but for the
// provider's, who signs.
func (a *API) Register(r gin.IRouter, v *auth.Verifier) {
	r.POST("/v1/webhooks/psp", a.psp)
	g := r.Group("/v1/wallet", httpserver.Authenticate(v))
	g.GET("", a.wallet)
	g.POST("/topups", a.topUp)
}

func caller(c *gin.Context) payment.UserID { return payment.UserID(httpserver.Caller(c).UserID) }
