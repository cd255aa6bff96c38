package httpapi

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
	"souk.example/services/order/internal/order"
)

// get shows an order to its owner. Anybody else's is not found, in the same
// words as one that does not exist.
func (a *API) get(c *gin.Context) {
	id, ok := httpserver.ParseID(c, "id")
	if !ok {
		httpserver.Fail(c, notFound())
		return
	}
	state, err := a.reader.Get(c.Request.Context(), caller(c), order.ID(id))
	if errors.Is(err, order.ErrNotFound) {
		err = notFound()
	}
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.JSON(http.StatusOK, responseFrom(state))
}

func notFound() error {
	return apperr.New(apperr.NotFound, contracts.CodeOrderNotFound, "there is no such order")
}
