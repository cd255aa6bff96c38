package edge

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
)

// retryDown is what a client is asked to wait for a service that is down.
const retryDown = time.Second

// upstreamError says what became of a request that a service did not answer.
func upstreamError(r *http.Request, err error) error {
	if client, ok := errors.AsType[*clientBodyError](err); ok {
		return client.public()
	}
	timeout, isNet := errors.AsType[net.Error](err)
	timedOut := r.Context().Err() != nil || (isNet && timeout.Timeout())
	switch {
	case errors.Is(err, context.Canceled):
		return err // the client is gone
	case neverSent(err):
		return apperr.New(apperr.Unavailable, "upstream_unavailable", "this service is not answering").With(err).WithRetryAfter(retryDown)
	case changesState(r.Method):
		return apperr.New(apperr.Timeout, contracts.CodeOutcomeUnknown, "the request may have been carried out: repeat it with the same Idempotency-Key").With(err)
	case timedOut:
		return apperr.New(apperr.Timeout, "upstream_timeout", "this service did not answer in time").With(err)
	}
	return apperr.New(apperr.Unavailable, "upstream_unavailable", "the connection to this service was lost").With(err).WithRetryAfter(retryDown)
}

func changesState(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// clientBody remembers why the client's own body could not be read, which the
// transport reports like any other failure. The transport may go on reading
// after it has answered, hence the atomic.
type clientBody struct {
	body io.Reader
	err  atomic.Pointer[clientBodyError]
}

func (b *clientBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err.CompareAndSwap(nil, &clientBodyError{err})
	}
	return n, err
}

// Close keeps the body open for the next replica; the transport closes it even
// when it could not connect.
func (b *clientBody) Close() error { return nil }

// blame is err, or what was wrong with the body if that came first.
func (b *clientBody) blame(err error) error {
	if own := b.err.Load(); err != nil && own != nil {
		return own
	}
	return err
}

// clientBodyError is a body that the client did not send properly.
type clientBodyError struct{ cause error }

// Error implements error.
func (e *clientBodyError) Error() string { return "read the client's body: " + e.cause.Error() }

// Unwrap returns the cause.
func (e *clientBodyError) Unwrap() error { return e.cause }

func (e *clientBodyError) public() error {
	if _, ok := errors.AsType[*http.MaxBytesError](e.cause); ok {
		return apperr.New(apperr.TooLarge, "body_too_large", "the request body is too large")
	}
	if errors.Is(e.cause, os.ErrDeadlineExceeded) {
		return apperr.New(apperr.RequestTimeout, "request_timeout", "the body did not arrive in time")
	}
	return apperr.New(apperr.Invalid, "malformed_request", "the body ends early").With(e.cause)
}
