package edge

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

// Proxy hands requests on to one service. Safe for concurrent use.
type Proxy struct{ reverse *httputil.ReverseProxy }

// NewTransport makes the connections that proxies share. It keeps enough of
// them for a loaded edge, and drops idle ones before the services do.
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second}).DialContext,
		MaxIdleConns:          2048,
		MaxIdleConnsPerHost:   512,
		IdleConnTimeout:       60 * time.Second,
		ResponseHeaderTimeout: 15 * time.Second,
		DisableCompression:    true,
		ReadBufferSize:        8 << 10,
		WriteBufferSize:       8 << 10,
	}
}

// NewProxy makes a Proxy to the replicas at urls ("http://HOST:PORT").
func NewProxy(transport http.RoundTripper, urls []string) (*Proxy, error) {
	up, err := newUpstream(transport, urls)
	if err != nil {
		return nil, err
	}
	return &Proxy{reverse: &httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      up,
		ModifyResponse: tidy,
		ErrorHandler:   failed,
		BufferPool:     newBuffers(),
		ErrorLog:       log.New(discard{}, "", 0), // failed has answered already
	}}, nil
}

// Handle is the gin handler.
func (p *Proxy) Handle(c *gin.Context) {
	ctx := context.WithValue(c.Request.Context(), replyKey{}, c)
	p.reverse.ServeHTTP(c.Writer, c.Request.WithContext(ctx))
}

// rewrite prepares the request for the service. Nobody outside may say who is
// asking or from where: only the token and our own word count.
func rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme = "http"
	r.Out.URL.Host = "upstream" // the transport names the replica
	for name := range r.Out.Header {
		if strings.HasPrefix(name, "X-User") || strings.HasPrefix(name, "X-Souk") || name == "X-Real-Ip" {
			r.Out.Header.Del(name)
		}
	}
	r.SetXForwarded() // replaces what the client sent
	ctx := r.In.Context()
	r.Out.Header.Set("X-Request-Id", httpserver.RequestIDFrom(ctx))
	if parent := telemetry.Inject(ctx); parent != "" {
		r.Out.Header.Set("Traceparent", parent)
	}
}

// tidy removes what the edge says itself.
func tidy(resp *http.Response) error {
	resp.Header.Del("X-Request-Id")
	return nil
}

type replyKey struct{}

// failed answers for a service that did not.
func failed(_ http.ResponseWriter, r *http.Request, err error) {
	c, _ := r.Context().Value(replyKey{}).(*gin.Context)
	httpserver.Fail(c, upstreamError(r.Context(), err))
}

func upstreamError(ctx context.Context, err error) error {
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return err // the client is gone
	case tooLarge(err):
		return apperr.New(apperr.TooLarge, "body_too_large", "the request body is too large")
	case neverSent(err):
		down := apperr.New(apperr.Unavailable, "upstream_unavailable", "this service is not answering").With(err)
		down.RetryAfter = time.Second
		return down
	case ctx.Err() != nil || (isNet && timeout.Timeout()):
		return apperr.New(apperr.Timeout, "upstream_timeout", "this service did not answer in time").With(err)
	}
	lost := apperr.New(apperr.Unavailable, "upstream_unavailable", "the connection to this service was lost").With(err)
	lost.RetryAfter = time.Second
	return lost
}

func tooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// buffers lends the copying of replies its memory.
type buffers struct{ pool sync.Pool }

const bufferSize = 16 << 10

func newBuffers() *buffers {
	return &buffers{pool: sync.Pool{New: func() any { return new([bufferSize]byte) }}}
}

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte { return b.pool.Get().(*[bufferSize]byte)[:] }

// Put implements httputil.BufferPool.
func (b *buffers) Put(p []byte) { b.pool.Put((*[bufferSize]byte)(p)) }

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
