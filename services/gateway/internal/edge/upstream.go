package edge

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// restAfterFailure is how long a replica that refused a connection is passed
// over while others can be asked.
const restAfterFailure = time.Second

// replica is one process of a service.
type replica struct {
	host    string
	resting atomic.Int64 // until, Unix nanoseconds
}

// upstream spreads requests over a service's replicas, round robin, and tries
// the next where a connection cannot be made: then no byte has been sent, so
// nothing can happen twice. A request that may be repeated, because it changes
// nothing or has an Idempotency-Key, goes to the next replica, once, also when
// the connection is lost before the answer: so a replica that stops costs
// nobody anything. It implements http.RoundTripper and is safe for concurrent
// use.
type upstream struct {
	transport http.RoundTripper
	replicas  []*replica
	turn      atomic.Uint64
}

func newUpstream(transport http.RoundTripper, urls []string) (*upstream, error) {
	if len(urls) == 0 {
		return nil, errors.New("an upstream needs at least one URL")
	}
	u := &upstream{transport: transport}
	for _, raw := range urls {
		parsed, err := url.Parse(raw)
		if err != nil || parsed.Scheme != "http" || parsed.Host == "" || parsed.Path != "" {
			return nil, fmt.Errorf("upstream %q must be http://HOST:PORT", raw)
		}
		u.replicas = append(u.replicas, &replica{host: parsed.Host})
	}
	return u, nil
}

// RoundTrip implements http.RoundTripper.
func (u *upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		return u.inTurn(req, repeatable(req))
	}
	defer req.Body.Close()
	if repeatable(req) {
		if err := keepBody(req); err != nil {
			return nil, err
		}
		return u.inTurn(req, true)
	}
	body := &clientBody{body: req.Body}
	req.Body = body
	resp, err := u.inTurn(req, false)
	return resp, body.blame(err)
}

// repeatable reports whether a request has one effect however often it is sent.
func repeatable(req *http.Request) bool {
	return !changesState(req.Method) || req.Header.Get("Idempotency-Key") != ""
}

// keepBody reads the body, whose size the server has bounded, so that it can be
// sent again.
func keepBody(req *http.Request) error {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return &clientBodyError{err}
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.ContentLength = int64(len(body))
	return nil
}

func (u *upstream) inTurn(req *http.Request, mayRepeat bool) (*http.Response, error) {
	var refused, lost error
	for _, r := range u.candidates(time.Now()) {
		req.URL.Host = r.host
		if req.GetBody != nil {
			req.Body, _ = req.GetBody() // it only reads memory
		}
		resp, err := u.transport.RoundTrip(req)
		switch {
		case neverSent(err):
			r.resting.Store(time.Now().Add(restAfterFailure).UnixNano())
			refused = err
		case mayRepeat && lost == nil && wasLost(req, err):
			lost = err
		default:
			return resp, err
		}
	}
	return nil, cmp.Or(lost, refused) // what was lost may have been carried out
}

// wasLost reports whether the connection broke before the answer came. Who took
// too long is not asked again.
func wasLost(req *http.Request, err error) bool {
	timeout, isNet := errors.AsType[net.Error](err)
	return err != nil && req.Context().Err() == nil && (!isNet || !timeout.Timeout())
}

// candidates lists the replicas in the order to ask them: from the next in
// turn, those that rest last.
func (u *upstream) candidates(now time.Time) []*replica {
	n := uint64(len(u.replicas))
	first := u.turn.Add(1)
	awake, resting := make([]*replica, 0, n), []*replica(nil)
	for i := range n {
		r := u.replicas[(first+i)%n]
		if r.resting.Load() > now.UnixNano() {
			resting = append(resting, r)
			continue
		}
		awake = append(awake, r)
	}
	return append(awake, resting...)
}

// neverSent reports whether no connection was made, so that the request may
// go elsewhere whatever its method.
func neverSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
