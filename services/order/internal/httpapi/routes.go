// Package httpapi is order's HTTP surface: one file per endpoint.
package httpapi

import (
	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/returns"
)

// API holds what the endpoints need.
type API struct {
	placer    *order.Placer
	canceller *order.Canceller
	returns   *returns.Desk
	reader    order.Reader
}

// New makes the API.
func New(placer *order.Placer, canceller *order.Canceller, desk *returns.Desk, reader order.Reader) *API {
	return &API{placer: placer, canceller: canceller, returns: desk, reader: reader}
}

// Register adds the routes to r; every one is its owner's alone.
func (a *API) Register(r gin.IRouter, v *auth.Verifier) {
	g := r.Group("/v1/orders", httpserver.Authenticate(v))
	g.POST("", a.place)
	g.GET("", a.list)
	g.GET("/:id", a.get)
	g.POST("/:id/cancel", a.cancel)
	g.POST("/:id/return", a.giveBack)
}

func caller(c *gin.Context) order.UserID { return order.UserID(httpserver.Caller(c).UserID) }
