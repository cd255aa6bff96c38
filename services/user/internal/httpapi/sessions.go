package httpapi

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/user/internal/user"
)

// listSessions shows where the caller is logged in, oldest first.
func (a *API) listSessions(c *gin.Context) {
	page, err := httpserver.ParsePage(c)
	if err != nil {
		fail(c, err)
		return
	}
	after, err := parseCursor[user.SessionID](page.Cursor)
	if err != nil {
		fail(c, err)
		return
	}
	sessions, err := a.sessions.List(c.Request.Context(), caller(c), after, page.Limit+1, time.Now())
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, pageFrom(sessions, page.Limit, user.SessionID(httpserver.Caller(c).SessionID)))
}

func pageFrom(sessions []user.Session, limit int, current user.SessionID) sessionsResponse {
	sessions, next := cut(sessions, limit, func(s user.Session) user.SessionID { return s.ID })
	page := sessionsResponse{Items: make([]sessionResponse, 0, limit), NextCursor: next}
	for _, s := range sessions {
		page.Items = append(page.Items, sessionResponseFrom(s, current))
	}
	return page
}
