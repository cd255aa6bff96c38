package httpapi

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/idempotency"
	"souk.example/services/order/internal/order"
)

// returnRequest is the body of POST /v1/orders/{id}/return.
type returnRequest struct {
	Reason string `json:"reason"`
}

// returnResponse is a return. An order has at most one, which has its id.
type returnResponse struct {
	ID      string `json:"id"`
	OrderID string `json:"order_id"`
	Status  string `json:"status"`
}

// giveBack answers 202 with the return: what it takes is done behind the
// reply. To return an order again, under another key, is refused.
func (a *API) giveBack(c *gin.Context) {
	id, ok := httpserver.ParseID(c, "id")
	if !ok {
		httpserver.Fail(c, notFound())
		return
	}
	key, err := httpserver.IdempotencyKey(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	body, err := httpserver.Bind[returnRequest](c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	receipt, err := a.returns.Return(c.Request.Context(), body.command(order.ID(id), order.Key{User: caller(c), Key: key}))
	if errors.Is(err, order.ErrNotFound) {
		err = notFound()
	}
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	if receipt.Replayed {
		c.Header("Idempotent-Replayed", "true")
	}
	c.JSON(http.StatusAccepted, returnResponseFrom(receipt))
}

// command's fingerprint names the order, which is not in the body.
func (r returnRequest) command(id order.ID, key order.Key) order.ReturnOrder {
	return order.ReturnOrder{Order: id, Key: key, Why: r.Reason, Fingerprint: idempotency.Fingerprint(struct {
		Order  order.ID
		Reason string
	}{id, r.Reason})}
}

func returnResponseFrom(r order.ReturnReceipt) returnResponse {
	id := strconv.FormatInt(int64(r.Order), 10)
	return returnResponse{ID: id, OrderID: id, Status: string(r.Status)}
}
