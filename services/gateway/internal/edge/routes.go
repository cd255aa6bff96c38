// Package edge is what stands between clients and services: which route goes
// where, who may take it, and what becomes of a service that does not answer.
package edge

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/overload"
)

// Service names an upstream.
type Service string

const (
	User      Service = "user"
	Inventory Service = "inventory"
	Order     Service = "order"
	Payment   Service = "payment"
	Points    Service = "points"
)

// Route sends one method and path to a service, with the same path. A route
// that is not public needs a valid access token to pass the edge; the service
// verifies it again and decides what its owner may see.
type Route struct {
	Method, Path string
	To           Service
	Public       bool
}

const blockPath = "/v1/admin/blocks/:subject"

// Routes is what services offer the public, and all that reaches them but for
// PUT of a block, which Register guards, and the dashboard, which asks several.
func Routes() []Route {
	return []Route{
		{"POST", "/v1/users", User, true},
		{"POST", "/v1/sessions", User, true},
		{"POST", "/v1/sessions/refresh", User, true},
		{"GET", "/v1/sessions", User, false},
		{"DELETE", "/v1/sessions/current", User, false},
		{"DELETE", "/v1/sessions/:id", User, false},
		{"GET", "/v1/me", User, false},
		{"PATCH", "/v1/me", User, false},
		{"GET", "/v1/addresses", User, false},
		{"POST", "/v1/addresses", User, false},
		{"PUT", "/v1/addresses/:id", User, false},
		{"DELETE", "/v1/addresses/:id", User, false},
		{"GET", "/v1/admin/blocks", User, false},
		{"DELETE", blockPath, User, false},

		{"GET", "/v1/products", Inventory, true},
		{"GET", "/v1/products/:sku", Inventory, true},
		{"POST", "/v1/admin/products", Inventory, false},
		{"PATCH", "/v1/admin/products/:sku", Inventory, false},
		{"GET", "/v1/admin/stock/:sku", Inventory, false},
		{"POST", "/v1/admin/stock/:sku/adjustments", Inventory, false},

		{"POST", "/v1/orders", Order, false},
		{"GET", "/v1/orders", Order, false},
		{"GET", "/v1/orders/:id", Order, false},
		{"POST", "/v1/orders/:id/cancel", Order, false},
		{"POST", "/v1/orders/:id/return", Order, false},

		{"GET", "/v1/wallet", Payment, false},
		{"POST", "/v1/wallet/topups", Payment, false},
		{"POST", "/v1/webhooks/psp", Payment, true},

		{"GET", "/v1/points", Points, false},
		{"GET", "/v1/points/entries", Points, false},
	}
}

// keyed reports a route whose service goes by the Idempotency-Key.
func (r Route) keyed() bool {
	return r.Method == http.MethodPost && slices.Contains([]string{
		"/v1/orders", "/v1/orders/:id/return", "/v1/wallet/topups", "/v1/admin/stock/:sku/adjustments",
	}, r.Path)
}

// dropKey takes away the key of a route that is not keyed: it would have the
// request sent again when its reply is lost, and carried out twice.
func dropKey(c *gin.Context) { c.Request.Header.Del("Idempotency-Key") }

// Limits refuse what is too much for a service, by service.
type Limits map[Service]*overload.Limiter

// exempt reports a route that no limit holds: who is to put an overload right,
// and the provider whose word says what became of the money, are not shut out
// by it.
func (r Route) exempt() bool {
	return strings.HasPrefix(r.Path, "/v1/admin/") || strings.HasPrefix(r.Path, "/v1/webhooks/")
}

// Guards are what a request meets first, by "METHOD /path" of its route.
type Guards map[string]gin.HandlerFunc

// Register adds every route to r. The limit of its service comes first, so that
// to be refused costs little: before the guard and the token. Admit decides, after the token was verified,
// whether its owner may pass. Log is told what a dashboard lacks.
func Register(r gin.IRouter, v *auth.Verifier, proxies map[Service]*Proxy, limits Limits, admit gin.HandlerFunc, guards Guards, log *slog.Logger) {
	authenticate := httpserver.Authenticate(v)
	for _, route := range Routes() {
		chain := []gin.HandlerFunc{authenticate, admit, proxies[route.To].Handle}
		if !route.keyed() {
			chain = slices.Insert(chain, len(chain)-1, dropKey)
		}
		if route.Public {
			chain = chain[2:]
		}
		if guard := guards[route.Method+" "+route.Path]; guard != nil {
			chain = slices.Insert(chain, 0, guard)
		}
		if limit := limits[route.To]; limit != nil && !route.exempt() {
			chain = slices.Insert(chain, 0, overload.Middleware(limit))
		}
		r.Handle(route.Method, route.Path, chain...)
	}
	r.PUT(blockPath, authenticate, admit, notOwnAddress, dropKey, proxies[User].Handle)
	r.GET(dashboardPath, authenticate, admit, newDashboard(proxies, limits, log).handle)
}
