// Package httpapi is points' HTTP surface: one file per endpoint.
package httpapi

import (
	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/services/points/internal/points"
)

// API holds what the endpoints need.
type API struct{ reader points.Reader }

// New makes the API.
func New(reader points.Reader) *API { return &API{reader: reader} }

// Register adds the routes to r; every one is its owner's alone.
func (a *API) Register(r gin.IRouter, v *auth.Verifier) {
	g := r.Group("/v1/points", httpserver.Authenticate(v))
	g.GET("", a.account)
	g.GET("/entries", a.entries)
}

func caller(c *gin.Context) points.UserID { return points.UserID(httpserver.Caller(c).UserID) }
