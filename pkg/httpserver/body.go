package httpserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
)

// ReadBody is r's body, which a Server has read and bounded; any other is read to its
// end, and kept. Whoever reads it again, by ReadBody or as a Reader, meets the same
// bytes and the same error. The bytes are not to be changed.
func ReadBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if whole, ok := r.Body.(*body); ok {
		return whole.bytes, whole.err
	}
	all, err := io.ReadAll(r.Body)
	r.Body = &body{Closer: r.Body, bytes: all, err: err, rest: *bytes.NewReader(all)}
	return all, err
}

// body is one that has been read.
type body struct {
	io.Closer
	bytes []byte
	err   error // why there are not more
	rest  bytes.Reader
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.rest.Read(p)
	if b.err != nil && errors.Is(err, io.EOF) {
		err = b.err
	}
	return n, err
}

// bounded refuses a body that is said to be longer than max bytes. A Server reads
// none that is longer, said so or not; this is for whatever else serves a router.
func bounded(max int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.Request.ContentLength > max {
			Fail(c, errTooLarge())
			return
		}
		c.Next()
	}
}

func errTooLarge() *apperr.Error {
	return apperr.New(apperr.TooLarge, "body_too_large", "the request body is too large")
}
