// Package roundtrip sends HTTP requests to the instances of a service that can
// answer them.
package roundtrip

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/registry"
	"souk.example/pkg/registry/balance"
)

// ErrNoInstance: the service has no instance that is known.
var ErrNoInstance = errors.New("roundtrip: no instance of the service is known")

// Source knows a service's instances, as *registry.Watcher does.
type Source interface {
	List() *registry.List
}

// Transport is an http.RoundTripper that sends each request to an instance of
// its service, whatever host the request names. Instances that fail are passed
// over; when none is left, all are asked again, since an answer may yet come.
//
// A request is sent again, to another instance if there is one, when no
// connection could be made, so nothing was sent. When it may have arrived (the
// connection broke, or the answer was 502, 503 or 504) only a request that may
// be repeated is sent again: one whose method is idempotent by RFC 9110, or
// that carries an Idempotency-Key. Its body must be unread still, or be had
// again by GetBody. A request whose context ends is not sent again, and is no
// failure of the instance, however short its deadline was: that an instance
// hangs is for Run to find.
//
// Safe for concurrent use.
type Transport struct {
	base    http.RoundTripper
	cfg     Config
	pool    pool
	budget  budget
	metrics *metrics
}

// New makes a Transport over base, http.DefaultTransport if nil. It starts
// nothing. An error is ErrConfig, also for a source that is nil.
func New(base http.RoundTripper, source Source, cfg Config) (*Transport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if source == nil {
		return nil, fmt.Errorf("%w: the source is nil", ErrConfig)
	}
	if base == nil {
		base = http.DefaultTransport
	}
	cfg = cfg.withDefaults()
	return &Transport{
		base: base, cfg: cfg, metrics: newMetrics(),
		pool:   pool{source: source, rules: cfg},
		budget: budget{ratio: cfg.RetryBudget, tokens: retryReserve},
	}, nil
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.budget.deposit()
	next := req.Clone(req.Context())
	body := watchBody(next)
	defer func() { body.settle() }()
	asked := make([]*target, 0, t.cfg.Attempts)
	for {
		to := t.choose(req, asked)
		if to == nil {
			closeBody(next)
			return nil, fmt.Errorf("%w: %s", ErrNoInstance, req.URL.Host)
		}
		asked = append(asked, to)
		resp, err := t.send(next, to, body)
		if len(asked) == t.cfg.Attempts || !t.again(req, resp, err, body) {
			return resp, err
		}
		if next, body, err = again(req, resp, body); err != nil {
			return nil, err
		}
	}
}

// choose picks an instance that was not asked yet, if there is one.
func (t *Transport) choose(req *http.Request, asked []*target) *target {
	targets := t.pool.candidates(asked)
	if len(targets) == 0 {
		return nil
	}
	endpoints := make([]*balance.Endpoint, len(targets))
	for i, to := range targets {
		endpoints[i] = &to.Endpoint
	}
	picked := t.cfg.Balancer.Pick(endpoints, t.cfg.Key(req))
	for i, e := range endpoints {
		if e == picked {
			return targets[i]
		}
	}
	return targets[0]
}

// send sends a request of ours to one instance and notes how that went.
func (t *Transport) send(req *http.Request, to *target, body *upload) (*http.Response, error) {
	req.URL.Scheme, req.URL.Host = to.url.Scheme, to.url.Host
	end := to.Begin()
	resp, err := t.base.RoundTrip(req)
	switch {
	case err != nil:
		end()
	case resp.StatusCode == http.StatusSwitchingProtocols:
		end() // what goes on from here is not a request
	default:
		resp.Body = &counted{resp.Body, sync.OnceFunc(end)}
	}
	gaveUp := err != nil && redisclient.Ended(req.Context()) != nil
	if !gaveUp && !body.broke() { // these are the caller's doing, not the instance's
		failed := err != nil || unavailable(resp)
		t.pool.report(to, failed)
		t.metrics.sent(failed)
	}
	return resp, err
}

// counted ends the count of a request in flight when its answer has been read.
type counted struct {
	io.ReadCloser
	end func()
}

func (c *counted) Close() error {
	c.end()
	return c.ReadCloser.Close()
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
