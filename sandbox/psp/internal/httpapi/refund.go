package httpapi

import (
	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/sandbox/psp/internal/psp"
	"souk.example/sandbox/psp/internal/wire"
)

type refundRequest struct {
	Charge    string `json:"charge"`
	Amount    int64  `json:"amount"`
	Reference string `json:"reference"`
}

func (a *API) refund(c *gin.Context) {
	key, err := httpserver.IdempotencyKey(c)
	if err != nil {
		fail(c, err)
		return
	}
	body, err := httpserver.Bind[refundRequest](c)
	if err != nil {
		fail(c, err)
		return
	}
	made, err := a.refunder.Refund(c.Request.Context(), psp.RefundRequest{Key: key, Charge: body.Charge, Reference: body.Reference, Amount: body.Amount})
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(created(made.Created), wire.RefundFrom(made.Refund))
}
