package roundtrip

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// upload is a request's body that remembers whether it could be read: a client
// that breaks off must not get an instance ejected. The base may read on after
// it has answered, hence the atomic.
type upload struct {
	io.ReadCloser
	failed atomic.Bool
}

// watchBody puts an upload in place of the request's body, if it has one.
func watchBody(req *http.Request) *upload {
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	u := &upload{ReadCloser: req.Body}
	req.Body = u
	return u
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		u.failed.Store(true)
	}
	return n, err
}

// broke reports whether the body failed to be read; nil is no body.
func (u *upload) broke() bool { return u != nil && u.failed.Load() }
