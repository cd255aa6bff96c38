package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
)

// account shows what the caller has.
func (a *API) account(c *gin.Context) {
	account, err := a.reader.Account(c.Request.Context(), caller(c))
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.JSON(http.StatusOK, accountResponse{Balance: account.Balance, Frozen: account.Frozen, Debt: account.Debt})
}
