package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/user/internal/user"
)

// logout closes the session the access token belongs to. The access token
// itself stays good for the rest of its few minutes.
func (a *API) logout(c *gin.Context) {
	a.end(c, user.SessionID(httpserver.Caller(c).SessionID))
}

// closeSession closes any session of the caller's. Somebody else's is answered
// like one that does not exist, and that is done already.
func (a *API) closeSession(c *gin.Context) {
	id, _ := httpserver.ParseID(c, "id") // what is not an id names no session
	a.end(c, user.SessionID(id))
}

func (a *API) end(c *gin.Context, id user.SessionID) {
	if err := a.sessions.Close(c.Request.Context(), caller(c), id); err != nil {
		fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}
