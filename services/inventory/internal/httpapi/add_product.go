package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
)

// addProduct answers 201 when the product is on sale. The SKU is its identity,
// so it needs no Idempotency-Key: a repetition is 409 sku_taken.
func (a *API) addProduct(c *gin.Context) {
	body, err := httpserver.Bind[addProductRequest](c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	p, err := a.manager.AddProduct(c.Request.Context(), body.adding())
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.Header("ETag", versionTag(p.Version))
	c.Header("Location", "/v1/products/"+string(p.SKU))
	c.JSON(http.StatusCreated, productResponseFrom(p))
}
