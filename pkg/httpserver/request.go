package httpserver

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
)

const (
	requestIDHeader = "X-Request-Id"
	maxRequestID    = 64
)

// request is what the router knows of the request in hand, and its context, so
// that one allocation and one copy of the http.Request carry it all. Only the
// package's own middlewares set anything, Context each to a child of what was
// there, and before any handler runs; and Shed does.
type request struct {
	context.Context //nolint:containedctx // it is one
	id              string
	logger          *slog.Logger
	start           time.Time // of the middlewares, just after the request was read
	due             due       // once the time is limited, the Context or its parent
	caller          auth.Claims
	shed            bool // refused for want of room: not logged
}

type requestKey struct{}

// Value implements context.Context.
func (r *request) Value(key any) any {
	if key == (requestKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// requestOf is for what runs behind identify: all middlewares and handlers of NewRouter.
func requestOf(c *gin.Context) *request { return c.Request.Context().Value(requestKey{}).(*request) }

// identify gives every request an id, the client's own when it is well formed,
// and returns it in the reply.
func identify(logger *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		id := requestID(first(c.Request.Header[requestIDHeader]))
		c.Writer.Header()[requestIDHeader] = []string{id} // already in canonical form
		c.Request = c.Request.WithContext(&request{
			Context: c.Request.Context(), id: id, logger: logger, start: time.Now(),
		})
		c.Next()
	}
}

// first is Header.Get without the work of making a name canonical that is.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
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

// requestID is the one that the client sent if it is well formed, else a new one.
func requestID(sent string) string {
	if wellFormedID(sent) {
		return sent
	}
	var id [16]byte
	var text [2 * len(id)]byte
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) // nobody gains by guessing it
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	hex.Encode(text[:], id[:])
	return string(text[:])
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
