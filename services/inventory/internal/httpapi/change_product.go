package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
)

// changeProduct answers with the product as it is then.
func (a *API) changeProduct(c *gin.Context) {
	sku, err := skuParam(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	body, err := httpserver.Bind[changeProductRequest](c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	p, err := a.manager.ChangeProduct(c.Request.Context(), sku, body.patch())
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.JSON(http.StatusOK, productResponseFrom(p))
}
