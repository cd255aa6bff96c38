package edge

import (
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/tracing"
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
	up, err := newUpstream(tracing.Traced(transport), urls)
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
	p.reverse.ServeHTTP(&reply{ResponseWriter: c.Writer, context: c}, c.Request)
}

// rewrite prepares the request for the service. Nobody outside may say who is
// asking, from where, or that the method is another: only the token and our
// own word count.
func rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme = "http"
	r.Out.URL.Host = "upstream" // the transport names the replica
	for name := range r.Out.Header {
		if claimsIdentity(name) {
			delete(r.Out.Header, name)
		}
	}
	// The edge says 100 itself; with a service's own, ReverseProxy would drop
	// every header of the reply that is set by now.
	r.Out.Header.Del("Expect")
	r.SetXForwarded() // replaces what the client sent
	ctx := r.In.Context()
	r.Out.Header.Set("X-Request-Id", httpserver.RequestIDFrom(ctx))
	if parent := tracing.Inject(ctx); parent != "" {
		r.Out.Header.Set("Traceparent", parent)
	}
}

// claimsIdentity reports a header, in canonical form, that a service might
// take for the edge's word.
func claimsIdentity(name string) bool {
	switch name {
	case "X-Real-Ip", "True-Client-Ip", "X-Client-Ip", "X-Http-Method-Override", "X-Original-Url", "X-Rewrite-Url":
		return true
	}
	return strings.HasPrefix(name, "X-User") || strings.HasPrefix(name, "X-Souk")
}

// tidy removes what the edge says itself.
func tidy(resp *http.Response) error {
	resp.Header.Del("X-Request-Id")
	return nil
}

// reply brings the gin context to where ReverseProxy reports a failure. It
// costs less than a context value, which would copy the request once more.
type reply struct {
	gin.ResponseWriter
	context *gin.Context
}

// failed answers for a service that did not.
func failed(w http.ResponseWriter, r *http.Request, err error) {
	httpserver.Fail(w.(*reply).context, upstreamError(r, err))
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
