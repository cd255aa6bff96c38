package httpapi

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

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
		httpserver.Fail(c, intakeError(err, "the order may have been placed: repeat the request with the same Idempotency-Key"))
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
	return order.PlaceOrder{
		Key: key, Fingerprint: r.fingerprint(), Items: items,
		Method: r.Payment.Method, Token: order.CardToken(r.Payment.Token), Points: r.Points,
	}
}

// fingerprint identifies the request by what it says, not by its white space
// or the order of its fields.
func (r placeRequest) fingerprint() [32]byte {
	canonical, _ := json.Marshal(r) // a struct of strings and integers always encodes
	return sha256.Sum256(canonical)
}
