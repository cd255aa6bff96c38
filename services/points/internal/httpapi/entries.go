package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/points/internal/points"
)

// entries lists what the caller earned, newest order first.
func (a *API) entries(c *gin.Context) {
	page, err := httpserver.ParsePage(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	after, err := parseCursor(page.Cursor)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	// One more than asked for tells whether there is a next page.
	entries, err := a.reader.Entries(c.Request.Context(), caller(c), points.Page{After: after, Limit: page.Limit + 1})
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.JSON(http.StatusOK, pageFrom(entries, page.Limit))
}

func pageFrom(entries []points.Entry, limit int) entriesResponse {
	page := entriesResponse{Items: make([]entryResponse, 0, limit)}
	if len(entries) > limit {
		entries = entries[:limit]
		next := formatCursor(entries[limit-1].EntryID)
		page.NextCursor = &next
	}
	for _, e := range entries {
		page.Items = append(page.Items, entryResponseFrom(e))
	}
	return page
}
