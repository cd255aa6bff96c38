package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/payment/internal/payment"
)

// wallet shows the caller's balance: 0 before the first top-up.
func (a *API) wallet(c *gin.Context) {
	w := payment.WalletID{User: caller(c), Currency: payment.HomeCurrency}
	balance, err := a.wallets.Balance(c.Request.Context(), w)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.JSON(http.StatusOK, walletResponse{Balance: balance})
}
