package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/user/internal/user"
)

// register opens an account, always in the role "user".
func (a *API) register(c *gin.Context) {
	body, err := httpserver.Bind[registerRequest](c)
	if err != nil {
		fail(c, err)
		return
	}
	u, err := a.registrar.Register(c.Request.Context(), user.Registration(body))
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusCreated, userResponseFrom(u))
}
