package httpapi

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
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
	after, err := parseCursor(page.Cursor)
	if err != nil {
		fail(c, err)
		return
	}
	// One more than asked for tells whether there is a next page.
	sessions, err := a.sessions.List(c.Request.Context(), caller(c), after, page.Limit+1, time.Now())
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, pageFrom(sessions, page.Limit, user.SessionID(httpserver.Caller(c).SessionID)))
}

func pageFrom(sessions []user.Session, limit int, current user.SessionID) sessionsResponse {
	page := sessionsResponse{Items: make([]sessionResponse, 0, limit)}
	if len(sessions) > limit {
		sessions = sessions[:limit]
		next := formatCursor(sessions[limit-1].ID)
		page.NextCursor = &next
	}
	for _, s := range sessions {
		page.Items = append(page.Items, sessionResponseFrom(s, current))
	}
	return page
}

const cursorPrefix = "after:"

// A cursor is the last id seen, opaque to clients so that it may change.
func formatCursor(last user.SessionID) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorPrefix + strconv.FormatInt(int64(last), 10)))
}

func parseCursor(cursor string) (user.SessionID, error) {
	if cursor == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil && len(raw) > len(cursorPrefix) && string(raw[:len(cursorPrefix)]) == cursorPrefix {
		id, err := strconv.ParseInt(string(raw[len(cursorPrefix):]), 10, 64)
		if err == nil && id > 0 {
			return user.SessionID(id), nil
		}
	}
	return 0, apperr.New(apperr.Unprocessable, "invalid_query", "the query is not valid").
		WithFields(apperr.Field{Field: "cursor", Code: "invalid", Detail: "use a next_cursor as it was given"})
}
