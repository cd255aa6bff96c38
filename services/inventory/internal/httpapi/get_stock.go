package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
)

// getStock shows where a product's units are, withdrawn products included.
func (a *API) getStock(c *gin.Context) {
	sku, err := skuParam(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	s, err := a.stocks.Stock(c.Request.Context(), sku)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.JSON(http.StatusOK, stockResponseFrom(s))
}
