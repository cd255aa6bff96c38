package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/user/internal/user"
)

// login opens a session.
func (a *API) login(c *gin.Context) {
	body, err := httpserver.Bind[loginRequest](c)
	if err != nil {
		fail(c, err)
		return
	}
	grant, err := a.doorkeeper.Login(c.Request.Context(), body.Email, body.Password)
	if err != nil {
		fail(c, err)
		return
	}
	answerGrant(c, http.StatusCreated, grant)
}

// answerGrant keeps tokens out of caches (RFC 6749, section 5.1).
func answerGrant(c *gin.Context, status int, grant user.Grant) {
	c.Header("Cache-Control", "no-store")
	c.JSON(status, grantResponseFrom(grant))
}
