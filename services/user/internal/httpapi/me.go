package httpapi

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/user/internal/user"
)

// me shows the caller's account.
func (a *API) me(c *gin.Context) {
	u, err := a.accounts.ByID(c.Request.Context(), caller(c))
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, userResponseFrom(u))
}

// updateMe changes what the caller may change about themselves: the name.
func (a *API) updateMe(c *gin.Context) {
	body, err := httpserver.Bind[updateRequest](c)
	if err != nil {
		fail(c, err)
		return
	}
	u, err := a.accounts.Update(c.Request.Context(), caller(c), func(u *user.User) error {
		if body.Name == nil {
			return nil
		}
		return u.Rename(*body.Name, time.Now())
	})
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, userResponseFrom(u))
}
