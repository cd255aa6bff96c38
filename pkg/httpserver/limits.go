package httpserver

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
)

// bounded limits the request body to max bytes, whatever its framing.
func bounded(max int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.Request.ContentLength > max {
			c.Header("Connection", "close") // cheaper than reading what nobody wants
			Fail(c, errTooLarge())
			return
		}
		if c.Request.TransferEncoding != nil {
			// A chunked request may have come with a Content-Length that
			// net/http has dropped; what follows on the connection cannot
			// be trusted to be another request (RFC 9112, section 6.3).
			c.Header("Connection", "close")
		}
		if c.Request.Body != http.NoBody {
			c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, max)
		}
		c.Next()
	}
}

func errTooLarge() *apperr.Error {
	return apperr.New(apperr.TooLarge, "body_too_large", "the request body is too large")
}

// timed ends the request's context at its deadline.
func timed(limit time.Duration) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := requestOf(c)
		r.due.Context, r.due.deadline = r.Context, r.start.Add(limit)
		defer r.due.cancel()
		r.Context = &r.due
		c.Next()
	}
}
