package httpapi

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/sandbox/psp/internal/wire"
)

// page is a list's reply; next_after is null on the last page.
type page[T any] struct {
	Items     []T     `json:"items"`
	NextAfter *string `json:"next_after"`
}

func (a *API) listCharges(c *gin.Context) {
	limit, err := limitOf(c)
	if err != nil {
		fail(c, err)
		return
	}
	charges, err := a.record.List(c.Request.Context(), c.Query("reference"), c.Query("after"), limit)
	if err != nil {
		fail(c, err)
		return
	}
	reply := page[wire.Charge]{Items: make([]wire.Charge, len(charges))}
	for i, charge := range charges {
		reply.Items[i] = wire.ChargeFrom(charge)
	}
	if len(charges) == limit {
		reply.NextAfter = &charges[limit-1].ID
	}
	c.JSON(http.StatusOK, reply)
}

func (a *API) listRefunds(c *gin.Context) {
	limit, err := limitOf(c)
	if err != nil {
		fail(c, err)
		return
	}
	refunds, err := a.record.Refunds(c.Request.Context(), c.Query("after"), limit)
	if err != nil {
		fail(c, err)
		return
	}
	reply := page[wire.Refund]{Items: make([]wire.Refund, len(refunds))}
	for i, refund := range refunds {
		reply.Items[i] = wire.RefundFrom(refund)
	}
	if len(refunds) == limit {
		reply.NextAfter = &refunds[limit-1].ID
	}
	c.JSON(http.StatusOK, reply)
}

const (
	defaultLimit = 100
	maxLimit     = 1000
)

func limitOf(c *gin.Context) (int, error) {
	text, given := c.GetQuery("limit")
	if !given {
		return defaultLimit, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, apperr.New(apperr.Unprocessable, "invalid_limit", "a limit is 1 to 1000")
	}
	return limit, nil
}
