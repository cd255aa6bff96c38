package httpserver

import (
	"strconv"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
)

const (
	defaultLimit = 20
	maxLimit     = 100
	maxCursor    = 512

	idempotencyHeader = "Idempotency-Key"
	maxIdempotencyKey = 255
)

// IdempotencyKey returns the request's Idempotency-Key: 1 to 255 visible ASCII
// characters. Absent is 400 idempotency_key_required, anything else is 400
// idempotency_key_invalid.
func IdempotencyKey(c *gin.Context) (string, error) {
	values := c.Request.Header[idempotencyHeader]
	if len(values) == 0 {
		return "", apperr.New(apperr.Invalid, "idempotency_key_required", "the header Idempotency-Key is required")
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || !visible(key) {
		return "", apperr.New(apperr.Invalid, "idempotency_key_invalid", "Idempotency-Key must be 1 to 255 visible ASCII characters")
	}
	return key, nil
}

func visible(s string) bool {
	for _, b := range []byte(s) {
		if b <= ' ' || b >= 0x7f {
			return false
		}
	}
	return true
}

// ParseID reads a path parameter as an id: a positive decimal int64 in its
// shortest form. What is not an id names nothing: answer as for one that does
// not exist.
func ParseID(c *gin.Context, param string) (int64, bool) {
	text := c.Param(param)
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil && id > 0 && text[0] != '0' && text[0] != '+'
}

// Page is what part of a list the client wants.
type Page struct {
	Limit  int    // 1 to 100
	Cursor string // "" for the beginning; opaque, at most 512 bytes; the list's owner checks it
}

// ParsePage reads ?limit= (1 to 100, default 20) and ?cursor=; anything else
// in them is 422 invalid_query.
func ParsePage(c *gin.Context) (Page, error) {
	page := Page{Limit: defaultLimit}
	if text, given := c.GetQuery("limit"); given {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxLimit || text[0] == '+' {
			return Page{}, errQuery("limit", "must be an integer from 1 to 100")
		}
		page.Limit = limit
	}
	if text, given := c.GetQuery("cursor"); given {
		if text == "" || len(text) > maxCursor || !visible(text) {
			return Page{}, errQuery("cursor", "must be a next_cursor of this list")
		}
		page.Cursor = text
	}
	return page, nil
}

func errQuery(field, detail string) error {
	return apperr.New(apperr.Unprocessable, "invalid_query", "the query is not valid").
		WithFields(apperr.Field{Field: field, Code: "invalid", Detail: detail})
}
