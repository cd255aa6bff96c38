package overload

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
)

// CodeOverloaded is the code of the refusal.
const CodeOverloaded = "overloaded"

var errOverloaded = apperr.New(apperr.Unavailable, CodeOverloaded, "too many requests are in hand").WithRetryAfter(time.Second)

// Middleware refuses, with 503 and Retry-After, what l does not take in hand. It
// reads no token, so it stands before whoever does. It reads the body first, to
// its end: a client that is slow to send one is in nobody's hand, and not judged
// as if the server were slow. So the body must be bounded, as it is by
// [httpserver.NewRouter]; one that cannot be read is handed on as it is. And a
// request is answered with the first byte of its reply, however long the client
// takes to read it. Refusals are counted and not logged.
func Middleware(l *Limiter) gin.HandlerFunc {
	return func(c *gin.Context) {
		await(c.Request)
		done, ok := l.Take()
		if !ok {
			httpserver.FailStatus(c, http.StatusServiceUnavailable, errOverloaded)
			return
		}
		done = sync.OnceFunc(done)
		defer done()
		c.Writer = &reply{c.Writer, done}
		c.Next()
	}
}

// await replaces the body by what it holds. Whoever reads it meets the same
// error, where there was one.
func await(r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	body, err := io.ReadAll(r.Body)
	rest := io.Reader(bytes.NewReader(body))
	if err != nil {
		rest = io.MultiReader(rest, broken{err})
	}
	r.Body = read{rest, r.Body}
}

// reply calls done before its first byte goes out.
type reply struct {
	gin.ResponseWriter
	done func()
}

// Write implements io.Writer.
func (r *reply) Write(p []byte) (int, error) {
	r.done()
	return r.ResponseWriter.Write(p)
}

// WriteString implements io.StringWriter.
func (r *reply) WriteString(s string) (int, error) {
	r.done()
	return r.ResponseWriter.WriteString(s)
}

// read is a body that has been read.
type read struct {
	io.Reader
	io.Closer
}

// broken is where a body could not be read further.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
