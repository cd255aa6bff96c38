package edge

import (
	"errors"
	"fmt"
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
// nothing can happen twice. It implements http.RoundTripper and is safe for
// concurrent use.
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
		return u.inTurn(req)
	}
	defer req.Body.Close()
	body := &clientBody{body: req.Body}
	req.Body = body
	resp, err := u.inTurn(req)
	return resp, body.blame(err)
}

func (u *upstream) inTurn(req *http.Request) (*http.Response, error) {
	var last error
	for _, r := range u.candidates(time.Now()) {
		req.URL.Host = r.host
		resp, err := u.transport.RoundTrip(req)
		if !neverSent(err) {
			return resp, err
		}
		r.resting.Store(time.Now().Add(restAfterFailure).UnixNano())
		last = err
	}
	return nil, last
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
