package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/httpserver"
	"souk.example/services/order/internal/order"
)

// place answers 201 only when the order and its event are committed.
func (a *API) place(c *gin.Context) {
	key, err := httpserver.IdempotencyKey(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	body, err := httpserver.Bind[placeRequest](c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	placed, err := a.placer.Place(c.Request.Context(), body.command(order.Key{User: caller(c), Key: key}))
	if err != nil {
		httpserver.Fail(c, intakeError(err))
		return
	}
	if placed.Replayed {
		c.Header("Idempotent-Replayed", "true")
	}
	c.Header("Location", "/v1/orders/"+strconv.FormatInt(int64(placed.Order.ID), 10))
	c.JSON(http.StatusCreated, responseFrom(placed.Order))
}

func (r placeRequest) command(key order.Key) order.PlaceOrder {
	items := make([]order.Item, len(r.Items))
	for i, it := range r.Items {
		items[i] = order.Item{SKU: order.SKU(it.SKU), Quantity: it.Quantity}
	}
	return order.PlaceOrder{Key: key, Fingerprint: r.fingerprint(), Items: items, Method: r.Payment.Method}
}

// fingerprint identifies the request by what it says, not by its white space
// or the order of its fields.
func (r placeRequest) fingerprint() [32]byte {
	canonical, _ := json.Marshal(r) // a struct of strings and integers always encodes
	return sha256.Sum256(canonical)
}

// intakeError says what a failed commit means to the client.
func intakeError(err error) error {
	switch {
	case errors.Is(err, groupcommit.ErrFull):
		full := apperr.New(apperr.Unavailable, contracts.CodeQueueFull, "too many orders are waiting").With(err)
		full.RetryAfter = time.Second
		return full
	case errors.Is(err, groupcommit.ErrStopped):
		stopping := apperr.New(apperr.Unavailable, "shutting_down", "this server is stopping").With(err)
		stopping.RetryAfter = time.Second
		return stopping
	case errors.Is(err, groupcommit.ErrOutcomeUnknown), errors.Is(err, context.DeadlineExceeded):
		return apperr.New(apperr.Timeout, contracts.CodeOutcomeUnknown, "the order may have been placed: repeat the request with the same Idempotency-Key").With(err)
	}
	return err
}
