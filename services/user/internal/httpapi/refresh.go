package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/user/internal/user"
)

// refresh exchanges a refresh token for new tokens.
func (a *API) refresh(c *gin.Context) {
	body, err := httpserver.Bind[refreshRequest](c)
	if err != nil {
		fail(c, err)
		return
	}
	grant, err := a.doorkeeper.Refresh(c.Request.Context(), user.RefreshToken(body.RefreshToken))
	if err != nil {
		fail(c, err)
		return
	}
	answerGrant(c, http.StatusOK, grant)
}
