package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/tracing"
)

// restAfterFailure is how long a replica that refused a connection is passed
// over while others can be asked.
const restAfterFailure = time.Second

// replica is one process of a service.
type replica struct {
	client  *fasthttp.HostClient
	resting atomic.Int64 // until, Unix nanoseconds
}

// upstream spreads requests over a service's replicas, round robin, and tries
// the next where a connection cannot be made: then no byte has been sent, so
// nothing can happen twice. A request that may be repeated, because it changes
// nothing or has an Idempotency-Key, goes to the next replica, once, also when
// the connection is lost before the answer: so a replica that stops costs
// nobody anything. Safe for concurrent use.
type upstream struct {
	replicas []*replica
	turn     atomic.Uint64
}

func newUpstream(urls []string) (*upstream, error) {
	if len(urls) == 0 {
		return nil, errors.New("an upstream needs at least one URL")
	}
	u := &upstream{}
	for _, raw := range urls {
		parsed, err := url.Parse(raw)
		if err != nil || parsed.Scheme != "http" || parsed.Host == "" || parsed.Path != "" {
			return nil, fmt.Errorf("upstream %q must be http://HOST:PORT", raw)
		}
		u.replicas = append(u.replicas, &replica{client: newClient(net.JoinHostPort(parsed.Hostname(), cmp.Or(parsed.Port(), "80")))})
	}
	return u, nil
}

// ask sends req to a replica and reads its reply, but for the body, until ctx's
// deadline.
func (u *upstream) ask(ctx context.Context, req *fasthttp.Request, resp *fasthttp.Response) error {
	var refused, lost error
	for _, r := range u.candidates(time.Now()) {
		err := r.ask(ctx, req, resp)
		switch {
		case neverSent(err):
			r.resting.Store(time.Now().Add(restAfterFailure).UnixNano())
			refused = err
		case lost == nil && wasLost(err) && repeatable(&req.Header) && ctx.Err() == nil:
			lost = err
		default:
			return err
		}
	}
	if lost != nil && len(u.replicas) == 1 { // there is no next: perhaps only the connection was bad
		if err := u.replicas[0].ask(ctx, req, resp); !neverSent(err) {
			return err
		}
	}
	return cmp.Or(lost, refused) // what was lost may have been carried out
}

// ask sends req to the replica, in a span of its own if ctx's is recorded.
func (r *replica) ask(ctx context.Context, req *fasthttp.Request, resp *fasthttp.Response) error {
	ctx, call := tracing.StartCall(ctx, string(req.Header.Method()), r.client.Addr)
	if parent := tracing.Inject(ctx); parent != "" {
		req.Header.Set("Traceparent", parent)
	}
	err := do(ctx, r.client, req, resp)
	if err != nil {
		call.Lost()
		return err
	}
	call.Answered(resp.StatusCode())
	return nil
}

func do(ctx context.Context, client *fasthttp.HostClient, req *fasthttp.Request, resp *fasthttp.Response) error {
	if deadline, ok := ctx.Deadline(); ok {
		return client.DoDeadline(req, resp, deadline)
	}
	return client.Do(req, resp)
}

// repeatable reports whether a request has one effect however often it is sent.
func repeatable(header *fasthttp.RequestHeader) bool {
	return !changesState(string(header.Method())) || len(header.Peek("Idempotency-Key")) > 0
}

// wasLost reports whether the connection broke before the answer came. Who took
// too long is not asked again.
func wasLost(err error) bool { return err != nil && !httpserver.TimedOut(err) }

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
	return ok && op.Op == "dial" || errors.Is(err, fasthttp.ErrNoFreeConns)
}
