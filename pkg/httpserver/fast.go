package httpserver

import (
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"

	"github.com/valyala/fasthttp"

	"souk.example/pkg/apperr"
)

// newFast makes the server that reads requests from connections for h.
func newFast(cfg Config, h http.Handler, logger *slog.Logger) *fasthttp.Server {
	a := &adapter{next: h, logger: logger}
	return &fasthttp.Server{
		Handler:      a.serve,
		ErrorHandler: refuse,
		// fasthttp reads the head within ReadTimeout, and then asks anew.
		ReadTimeout: cfg.HeaderTimeout,
		HeaderReceived: func(head *fasthttp.RequestHeader) (r fasthttp.RequestConfig) {
			if hasBody(head) {
				r.ReadTimeout = cfg.ReadTimeout
			}
			return r
		},
		WriteTimeout:                 cfg.WriteTimeout,
		IdleTimeout:                  cfg.IdleTimeout,
		ReadBufferSize:               cfg.MaxHeader,
		MaxRequestBodySize:           int(cfg.MaxBody),
		CloseOnShutdown:              true,
		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		// It complains about single connections, and quotes what they sent.
		Logger: log.New(io.Discard, "", 0),
	}
}

// hasBody reports whether anything follows the head: 0 is nothing, -1 chunks, -2
// no word of it.
func hasBody(head *fasthttp.RequestHeader) bool {
	length := head.ContentLength()
	return length > 0 || length == -1
}

// adapter hands fasthttp's requests to a handler of net/http.
type adapter struct {
	next   http.Handler
	logger *slog.Logger
}

func (a *adapter) serve(ctx *fasthttp.RequestCtx) {
	e := &exchange{header: make(http.Header), reply: &ctx.Response}
	if err := e.read(ctx); err != nil {
		refuse(ctx, err)
		return
	}
	defer a.cut(ctx)
	a.next.ServeHTTP(e, &e.request)
	e.send()
	if len(ctx.Request.Header.Peek("Transfer-Encoding")) > 0 {
		// A chunked request may have come with a Content-Length too; what
		// follows on the connection cannot be trusted to be another request
		// (RFC 9112, section 6.3).
		ctx.SetConnectionClose()
	}
}

// cut ends the connection of a handler that panicked, without a reply.
func (a *adapter) cut(ctx *fasthttp.RequestCtx) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause != http.ErrAbortHandler { //nolint:errorlint // the very value is the signal
		a.logger.Error("a handler panicked", "cause", cause, "stack", string(debug.Stack()))
	}
	_ = ctx.Conn().Close()
	ctx.SetConnectionClose()
}

// refuse answers a request that could not be read, and ends its connection. No
// handler ever sees it.
func refuse(ctx *fasthttp.RequestCtx, err error) {
	status, e := refusal(err)
	id := newRequestID()
	reply := &exchange{header: http.Header{requestIDHeader: {id}}, reply: &ctx.Response}
	writeProblem(reply, status, e, id)
	reply.send()
	linger(ctx)
}

// refusal says what was wrong with a request.
func refusal(err error) (int, *apperr.Error) {
	timeout, ok := errors.AsType[net.Error](err)
	_, large := errors.AsType[*fasthttp.ErrSmallBuffer](err)
	switch {
	case large:
		return http.StatusRequestHeaderFieldsTooLarge,
			apperr.New(apperr.Invalid, "header_too_large", "the request header is too large")
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return http.StatusRequestEntityTooLarge, errTooLarge()
	case ok && timeout.Timeout():
		return http.StatusRequestTimeout,
			apperr.New(apperr.RequestTimeout, "request_timeout", "the request did not arrive in time")
	default:
		return http.StatusBadRequest,
			apperr.New(apperr.Invalid, "malformed_request", "the request is not valid HTTP")
	}
}
