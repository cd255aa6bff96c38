package overload

import (
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
)

// CodeOverloaded is the code of the refusal.
const CodeOverloaded = "overloaded"

// ErrOverloaded is the refusal.
var ErrOverloaded = apperr.New(apperr.Unavailable, CodeOverloaded, "too many requests are in hand").WithRetryAfter(time.Second)

// Middleware refuses, with 503 and Retry-After, what l does not take in hand. It
// reads no token, so it stands before whoever does. It reads the body first, to
// its end: a client that is slow to send one is in nobody's hand, and not judged
// as if the server were slow. So the body must be bounded, as it is by
// [httpserver.NewRouter]; one that cannot be read is handed on as it is. And a
// request is answered with the first byte of its reply, however long the client
// takes to read it. Refusals are counted and not logged.
func Middleware(l *Limiter) gin.HandlerFunc {
	return func(c *gin.Context) {
		_, _ = httpserver.ReadBody(c.Request) // whoever asks again meets the same error
		done, ok := l.Take()
		if !ok {
			httpserver.Shed(c, ErrOverloaded)
			return
		}
		r := &reply{c.Writer, done}
		defer r.begun()
		c.Writer = r
		c.Next()
	}
}

// reply calls done before its first byte goes out.
type reply struct {
	gin.ResponseWriter
	done func() // nil once it was called
}

func (r *reply) begun() {
	if r.done != nil {
		r.done()
		r.done = nil
	}
}

// Write implements io.Writer.
func (r *reply) Write(p []byte) (int, error) {
	r.begun()
	return r.ResponseWriter.Write(p)
}

// WriteString implements io.StringWriter.
func (r *reply) WriteString(s string) (int, error) {
	r.begun()
	return r.ResponseWriter.WriteString(s)
}
