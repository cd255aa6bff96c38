package httpapi

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
	"souk.example/services/order/internal/order"
)

// list shows the caller's orders, newest first.
func (a *API) list(c *gin.Context) {
	filter, err := parseFilter(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	limit := filter.Limit
	filter.Limit++ // one more tells whether there is a next page
	states, err := a.reader.List(c.Request.Context(), caller(c), filter)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.JSON(http.StatusOK, pageFrom(states, limit))
}

func parseFilter(c *gin.Context) (order.Filter, error) {
	page, err := httpserver.ParsePage(c)
	if err != nil {
		return order.Filter{}, err
	}
	filter := order.Filter{Limit: page.Limit, Status: order.Status(c.Query("status"))}
	if filter.Status != "" && !slices.Contains(order.Statuses(), filter.Status) {
		return order.Filter{}, badQuery("status", "name an order status")
	}
	if page.Cursor != "" {
		filter.Before, err = parseCursor(page.Cursor)
	}
	return filter, err
}

func pageFrom(states []*order.State, limit int) listResponse {
	page := listResponse{Items: make([]orderResponse, 0, limit)}
	for i, s := range states {
		if i == limit {
			next := formatCursor(states[limit-1].ID)
			page.NextCursor = &next
			break
		}
		page.Items = append(page.Items, responseFrom(s))
	}
	return page
}

// A cursor is the last id seen, opaque to clients so that it may change.
func formatCursor(last order.ID) string {
	return base64.RawURLEncoding.EncodeToString([]byte("before:" + strconv.FormatInt(int64(last), 10)))
}

func parseCursor(cursor string) (order.ID, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) < len("before:") || string(raw[:len("before:")]) != "before:" {
		return 0, badQuery("cursor", "use a next_cursor as it was given")
	}
	id, err := strconv.ParseInt(string(raw[len("before:"):]), 10, 64)
	if err != nil || id <= 0 {
		return 0, badQuery("cursor", "use a next_cursor as it was given")
	}
	return order.ID(id), nil
}

func badQuery(field, detail string) error {
	return apperr.New(apperr.Unprocessable, "invalid_query", "the query is not valid").
		WithFields(apperr.Field{Field: field, Code: "invalid", Detail: detail})
}
