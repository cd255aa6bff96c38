package httpserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// ReadBody reads r's body to its end, which a body must have that is not bounded by
// NewRouter, and keeps it in memory: whoever reads it again, by ReadBody or as a
// Reader, meets the same bytes and the same error. The bytes are not to be changed.
func ReadBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if whole, ok := r.Body.(*body); ok {
		return whole.bytes, whole.err
	}
	all, err := readAll(r)
	r.Body = &body{Closer: r.Body, bytes: all, err: err, rest: *bytes.NewReader(all)}
	return all, err
}

// smallBody is what memory is taken for on the word of a caller whom nobody knows
// yet. A larger body takes it as it comes.
const smallBody = 4 << 10

// readAll reads a small body of known length without growing a buffer.
func readAll(r *http.Request) ([]byte, error) {
	if r.ContentLength <= 0 || r.ContentLength > smallBody {
		return io.ReadAll(r.Body)
	}
	all := make([]byte, r.ContentLength)
	n, err := io.ReadFull(r.Body, all)
	return all[:n], err
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
