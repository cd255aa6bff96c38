// Package httpapi is inventory's HTTP surface: one file per endpoint.
package httpapi

import (
	"context"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/services/inventory/internal/catalogue"
	"souk.example/services/inventory/internal/inventory"
	"souk.example/services/inventory/internal/store"
)

// Products finds products on sale.
type Products interface {
	Listings(ctx context.Context, q store.Query) ([]inventory.Listing, error)
}

// Stocks finds where units are.
type Stocks interface {
	Stock(ctx context.Context, sku inventory.SKU) (inventory.Stock, error)
}

// Pages serves encoded product pages.
type Pages interface {
	Page(ctx context.Context, sku inventory.SKU) (catalogue.Page, bool, error)
}

// API holds what the endpoints need.
type API struct {
	manager  *inventory.Manager
	products Products
	stocks   Stocks
	pages    Pages
}

// New makes the API.
func New(m *inventory.Manager, products Products, stocks Stocks, pages Pages) *API {
	return &API{manager: m, products: products, stocks: stocks, pages: pages}
}

// Register adds the routes to r: the catalogue for anyone, the rest for admins.
func (a *API) Register(r gin.IRouter, v *auth.Verifier) {
	r.GET("/v1/products", a.listProducts)
	r.GET("/v1/products/:sku", a.getProduct)

	admin := r.Group("/v1/admin", httpserver.Authenticate(v), httpserver.RequireRole("admin"))
	admin.POST("/products", a.addProduct)
	admin.PATCH("/products/:sku", a.changeProduct)
	admin.GET("/stock/:sku", a.getStock)
	admin.POST("/stock/:sku/adjustments", a.adjustStock)
}

// skuParam reads the path's SKU. What is no SKU names no product.
func skuParam(c *gin.Context) (inventory.SKU, error) {
	sku, ok := inventory.ParseSKU(c.Param("sku"))
	if !ok {
		return "", inventory.ErrProductNotFound
	}
	return sku, nil
}
