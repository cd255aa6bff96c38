package httpserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"
)

const (
	requestIDHeader = "X-Request-Id"
	maxRequestID    = 64
)

// request is what the router knows of the request in hand; one context value
// carries it all.
type request struct {
	id     string
	logger *slog.Logger
}

type requestKey struct{}

// identify gives every request an id, the client's own when it is well formed,
// and returns it in the reply.
func identify(logger *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		id := c.GetHeader(requestIDHeader)
		if !wellFormedID(id) {
			id = newRequestID()
		}
		c.Writer.Header()[requestIDHeader] = []string{id} // already in canonical form
		ctx := context.WithValue(c.Request.Context(), requestKey{}, &request{id: id, logger: logger})
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	}
}

// RequestIDFrom returns the id of the request that ctx belongs to, or "".
func RequestIDFrom(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.id
	}
	return ""
}

// loggerFrom keeps Fail's signature short; the logger is the router's own.
func loggerFrom(ctx context.Context) *slog.Logger {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.logger
	}
	return slog.New(slog.DiscardHandler)
}

func newRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // crypto/rand never fails
	return hex.EncodeToString(id[:])
}

func wellFormedID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for _, b := range []byte(id) {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
		if !letter && (b < '0' || b > '9') && b != '.' && b != '_' && b != '-' {
			return false
		}
	}
	return true
}

// route is the pattern of the matched route, never the path itself: paths hold
// ids and would make a metric of each.
func route(c *gin.Context) string {
	if pattern := c.FullPath(); pattern != "" {
		return pattern
	}
	return "unmatched"
}

// method keeps a client from inventing label values.
func method(c *gin.Context) string {
	switch m := c.Request.Method; m {
	case http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut,
		http.MethodDelete, http.MethodHead, http.MethodOptions:
		return m
	default:
		return "other"
	}
}
