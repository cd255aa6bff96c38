package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/idempotency"
	"souk.example/services/payment/internal/payment"
)

// topUp answers 201 only when the money is in the wallet for good.
func (a *API) topUp(c *gin.Context) {
	key, err := httpserver.IdempotencyKey(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	body, err := httpserver.Bind[topUpRequest](c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	receipt, err := a.teller.TopUp(c.Request.Context(), payment.TopUp{
		User: caller(c), Key: key, Fingerprint: idempotency.Fingerprint(body), Amount: body.Amount,
	})
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	if receipt.Replayed {
		c.Header("Idempotent-Replayed", "true")
	}
	c.JSON(http.StatusCreated, topUpResponseFrom(receipt))
}
