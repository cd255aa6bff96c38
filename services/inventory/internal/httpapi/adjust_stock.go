package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/idempotency"
	"souk.example/services/inventory/internal/inventory"
)

// adjustStock answers 201 with the stock right after the adjustment.
func (a *API) adjustStock(c *gin.Context) {
	adjustment, err := adjustmentFrom(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	adjusted, err := a.manager.Adjust(c.Request.Context(), adjustment)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	if adjusted.Replayed {
		c.Header("Idempotent-Replayed", "true")
	}
	c.JSON(http.StatusCreated, stockResponseFrom(adjusted.Stock))
}

func adjustmentFrom(c *gin.Context) (inventory.Adjustment, error) {
	key, err := httpserver.IdempotencyKey(c)
	if err != nil {
		return inventory.Adjustment{}, err
	}
	sku, err := skuParam(c)
	if err != nil {
		return inventory.Adjustment{}, err
	}
	body, err := httpserver.Bind[adjustStockRequest](c)
	if err != nil {
		return inventory.Adjustment{}, err
	}
	return inventory.Adjustment{
		User: httpserver.Caller(c).UserID, Key: key,
		Fingerprint: idempotency.Fingerprint(struct {
			SKU  inventory.SKU
			Body adjustStockRequest
		}{sku, body}),
		SKU: sku, Delta: body.Delta, Reason: body.Reason,
	}, nil
}
