package roundtrip

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

// unavailable: the answer is not the service's own, or says that it is no use
// asking this instance now.
func unavailable(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// again reports whether a request that came to resp or err is to be sent again.
func (t *Transport) again(req *http.Request, resp *http.Response, err error, body *upload) bool {
	if req.Context().Err() != nil || (!body.whole() && req.GetBody == nil) {
		return false
	}
	if err == nil && !unavailable(resp) {
		return false
	}
	if !neverSent(err) && !repeatable(req) {
		return false
	}
	sent := t.budget.withdraw()
	t.metrics.retried(sent)
	return sent
}

// again makes the request anew, after an answer that nobody will read.
func again(req *http.Request, resp *http.Response, body *upload) (*http.Request, *upload, error) {
	if resp != nil {
		discard(resp)
	}
	next := req.Clone(req.Context())
	if body.whole() {
		if body != nil {
			next.Body = body
		}
		return next, body, nil
	}
	anew, err := req.GetBody()
	next.Body = anew
	return next, watchBody(next), err
}

// discard drops an answer, and reads what is left of a short one, so that the
// connection can be used again.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 4096)
	_ = resp.Body.Close()
}

// neverSent reports whether no connection was made.
func neverSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// repeatable reports whether the request may take effect twice.
func repeatable(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return req.Header.Get("Idempotency-Key") != ""
}

// retryReserve is how many retries are there for quiet times.
const retryReserve = 10

// budget keeps retries to a share of the requests (Finagle's RetryBudget).
type budget struct {
	ratio float64

	mu     sync.Mutex
	tokens float64
}

func (b *budget) deposit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+b.ratio, 10*retryReserve)
}

func (b *budget) withdraw() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
