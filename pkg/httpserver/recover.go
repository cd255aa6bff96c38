package httpserver

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
)

// recovered turns a panic of a handler into an opaque 500 and one log line
// with the stack. When the reply has begun the connection is cut instead, so
// that the client cannot take half a reply for a whole one.
func recovered() gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // the very value is the signal
				panic(cause) // the handler wants the connection cut
			}
			begun := c.Writer.Written()
			Fail(c, apperr.From(fmt.Errorf("panic: %v\n%s", cause, debug.Stack())))
			if begun {
				panic(http.ErrAbortHandler)
			}
		}()
		c.Next()
	}
}
