package edge

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/valyala/fasthttp"

	"souk.example/pkg/httpserver"
)

// Proxy hands requests on to one service: what httputil.ReverseProxy does, less
// what our services have no use for (upgrades, trailers, interim replies). Safe
// for concurrent use.
type Proxy struct{ upstream *upstream }

// NewProxy makes a Proxy to the replicas at urls ("http://HOST:PORT").
func NewProxy(urls []string) (*Proxy, error) {
	up, err := newUpstream(urls)
	if err != nil {
		return nil, err
	}
	return &Proxy{up}, nil
}

// Handle is the gin handler. A client that leaves is not noticed before the service
// has answered or the time is up.
func (p *Proxy) Handle(c *gin.Context) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp) // ends a reply that nobody reads on
	if err := outgoing(req, c.Request); err != nil {
		httpserver.Fail(c, err)
		return
	}
	if err := p.upstream.ask(c.Request.Context(), req, resp); err != nil {
		httpserver.Fail(c, upstreamError(c.Request, err))
		return
	}
	answer(c.Writer, resp)
}

// answer passes a service's reply on. Should the reply break off, so does ours:
// the client must not take half a reply for a whole one.
func answer(w gin.ResponseWriter, resp *fasthttp.Response) {
	replyHeaders(w.Header(), &resp.Header)
	w.WriteHeader(resp.StatusCode())
	w.WriteHeaderNow()
	if copyReply(w, resp) != nil {
		panic(http.ErrAbortHandler)
	}
}

// buffers lends copyReply its memory.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// copyReply copies the body, if there is one. The server sends it when it is whole.
func copyReply(w gin.ResponseWriter, resp *fasthttp.Response) error {
	body := resp.BodyStream()
	if body == nil {
		return nil
	}
	buffer := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buffer)
	for {
		n, err := body.Read(buffer[:])
		if n > 0 {
			if _, failed := w.Write(buffer[:n]); failed != nil {
				return failed
			}
		}
		if err != nil {
			return unlessWhole(err, resp)
		}
	}
}

// unlessWhole is what ended the body, or nil if that was its end: which is the
// connection's for a reply that has neither a length nor chunks.
func unlessWhole(err error, resp *fasthttp.Response) error {
	const untilClose = -2 // as fasthttp says it
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && resp.Header.ContentLength() == untilClose {
		return nil
	}
	return err
}
