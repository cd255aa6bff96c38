package httpapi

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/order/internal/order"
)

// cancel answers 202 with the cancelled order: what it held elsewhere is given
// back behind the reply. To cancel again answers 202 again, with the order as
// it stands.
func (a *API) cancel(c *gin.Context) {
	id, ok := httpserver.ParseID(c, "id")
	if !ok {
		httpserver.Fail(c, notFound())
		return
	}
	state, err := a.canceller.Cancel(c.Request.Context(), order.CancelOrder{Order: order.ID(id), User: caller(c)})
	if errors.Is(err, order.ErrNotFound) {
		err = notFound()
	}
	if err != nil {
		httpserver.Fail(c, intakeError(err, "the order may have been cancelled: repeat the request"))
		return
	}
	c.JSON(http.StatusAccepted, responseFrom(state))
}
