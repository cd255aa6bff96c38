// Package httpapi is the provider's API: charges, refunds, lists to compare
// with, and the sandbox's knobs.
package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/config"
	"souk.example/pkg/httpserver"
	"souk.example/sandbox/psp/internal/psp"
	"souk.example/sandbox/psp/internal/store"
)

// API serves the provider's routes.
type API struct {
	cashier  *psp.Cashier
	refunder *psp.Refunder
	record   *store.Store
	panel    *psp.Panel
}

// New makes the API.
func New(c *psp.Cashier, r *psp.Refunder, record *store.Store, panel *psp.Panel) *API {
	return &API{cashier: c, refunder: r, record: record, panel: panel}
}

// Register adds the routes to r, for callers who know the key.
func (a *API) Register(r gin.IRouter, key config.Secret) {
	v1 := r.Group("/v1", authenticate(key))
	v1.POST("/charges", a.charge)
	v1.GET("/charges", a.listCharges)
	v1.GET("/charges/:id", a.getCharge)
	v1.POST("/refunds", a.refund)
	v1.GET("/refunds", a.listRefunds)
	v1.GET("/sandbox", a.getKnobs)
	v1.PUT("/sandbox", a.setKnobs)
}

var errUnauthenticated = apperr.New(apperr.Unauthenticated, "unauthenticated", "the API key is missing or wrong")

func authenticate(key config.Secret) gin.HandlerFunc {
	want := sha256.Sum256([]byte(key.Reveal()))
	return func(c *gin.Context) {
		given, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(given))
		if !ok || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			httpserver.Fail(c, errUnauthenticated)
		}
	}
}
