package roundtrip

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// upload is a request's body on its way to one instance after another. It
// stays open while nothing of it was read, because the base closes a body even
// when it could not connect, and then the next instance can have it whole; so
// a proxy's streamed bodies survive an instance that is gone. The base may
// read on after it has answered, hence the mutex. A nil upload is no body.
type upload struct {
	body io.ReadCloser

	mu      sync.Mutex
	begun   bool // something was read, or tried to
	failed  bool // reading failed: the caller's doing
	closed  bool // the base is done with it
	settled bool // nobody else will want it
}

// watchBody puts an upload in place of the request's body, if it has one.
func watchBody(req *http.Request) *upload {
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	u := &upload{body: req.Body}
	req.Body = u
	return u
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	u.begun = true
	u.mu.Unlock()
	n, err := u.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		u.mu.Lock()
		u.failed = true
		u.mu.Unlock()
	}
	return n, err
}

// Close implements io.Closer.
func (u *upload) Close() error {
	u.mu.Lock()
	u.closed = true
	last := u.begun || u.settled
	u.mu.Unlock()
	if last {
		return u.body.Close()
	}
	return nil
}

// settle says that the body is sent to nobody else.
func (u *upload) settle() {
	if u == nil {
		return
	}
	u.mu.Lock()
	u.settled = true
	held := u.closed && !u.begun
	u.mu.Unlock()
	if held {
		_ = u.body.Close()
	}
}

// whole reports whether nothing of the body was read.
func (u *upload) whole() bool {
	if u == nil {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.begun
}

// broke reports whether the body failed to be read.
func (u *upload) broke() bool {
	if u == nil {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed
}
