package httpapi

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/sandbox/psp/internal/psp"
	"souk.example/sandbox/psp/internal/wire"
)

type chargeRequest struct {
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	Token     string `json:"token"`
	Reference string `json:"reference"`
}

func (a *API) charge(c *gin.Context) {
	key, err := httpserver.IdempotencyKey(c)
	if err != nil {
		fail(c, err)
		return
	}
	body, err := httpserver.Bind[chargeRequest](c)
	if err != nil {
		fail(c, err)
		return
	}
	made, err := a.cashier.Charge(c.Request.Context(), psp.ChargeRequest{
		Key: key, Reference: body.Reference, Token: body.Token, Amount: body.Amount, Currency: body.Currency,
	})
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(created(made.Created), wire.ChargeFrom(made.Charge))
}

func (a *API) getCharge(c *gin.Context) {
	charge, err := a.record.Get(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, wire.ChargeFrom(charge))
}

func created(now bool) int {
	if now {
		return http.StatusCreated
	}
	return http.StatusOK
}

// fail answers err; psp.ErrNoReply cuts the connection instead.
func fail(c *gin.Context, err error) {
	if errors.Is(err, psp.ErrNoReply) {
		panic(http.ErrAbortHandler)
	}
	httpserver.Fail(c, err)
}
