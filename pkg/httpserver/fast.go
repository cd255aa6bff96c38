package httpserver

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"souk.example/pkg/apperr"
	"souk.example/pkg/telemetry"
)

// fast serves a handler of net/http on fasthttp's connections.
type fast struct {
	server  *fasthttp.Server
	conns   *conns
	streams *streams
}

func newFast(cfg Config, h http.Handler, t *telemetry.Telemetry) *fast {
	a := &adapter{next: h, logger: t.Logger, refused: refusals(t.Registry), streams: new(streams)}
	return &fast{streams: a.streams, conns: &conns{writeTimeout: cfg.WriteTimeout, open: make(map[*conn]struct{})}, server: &fasthttp.Server{
		Handler:      a.serve,
		ErrorHandler: a.refuseUnlessIdle,
		ExpectHandler: func(ctx *fasthttp.RequestCtx) int {
			if int64(ctx.Request.Header.ContentLength()) <= cfg.MaxBody {
				return http.StatusContinue
			}
			a.refuse(ctx, fasthttp.ErrBodyTooLarge)
			return http.StatusRequestEntityTooLarge
		},
		// fasthttp reads the head within ReadTimeout, and then asks anew.
		ReadTimeout:                  cfg.HeaderTimeout,
		HeaderReceived:               func(head *fasthttp.RequestHeader) fasthttp.RequestConfig { return bodyLimits(cfg, head) },
		IdleTimeout:                  cfg.IdleTimeout,
		ReadBufferSize:               cfg.MaxHeader,
		MaxRequestBodySize:           int(cfg.MaxBody),
		CloseOnShutdown:              true,
		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		// It complains about single connections, and quotes what they sent.
		Logger: log.New(io.Discard, "", 0),
	}}
}

// bodyLimits is asked between head and body.
func bodyLimits(cfg Config, head *fasthttp.RequestHeader) (r fasthttp.RequestConfig) {
	const chunked = -1 // as fasthttp says it
	length := head.ContentLength()
	if length > 0 || length == chunked {
		r.ReadTimeout = cfg.ReadTimeout
	}
	if length == chunked {
		// It may have come with a Content-Length too; what follows on the
		// connection cannot be trusted to be another request (RFC 9112, 6.3).
		head.SetConnectionClose()
	}
	return r
}

// Serve implements backend.
func (f *fast) Serve(l net.Listener) error {
	return f.server.Serve(listener{l, f.conns})
}

// Shutdown implements backend.
func (f *fast) Shutdown(ctx context.Context) error {
	err := f.server.ShutdownWithContext(ctx)
	f.streams.end(ctx)
	if ctx.Err() != nil {
		f.conns.cut()
	}
	return err
}

// adapter hands fasthttp's requests to a handler of net/http.
type adapter struct {
	next    http.Handler
	logger  *slog.Logger
	refused *prometheus.CounterVec
	streams *streams
}

func (a *adapter) serve(ctx *fasthttp.RequestCtx) {
	defer a.cut(ctx)
	e := &exchange{header: make(http.Header), reply: &ctx.Response}
	if err := e.read(ctx); err != nil {
		a.refuse(ctx, err)
		return
	}
	a.next.ServeHTTP(e, &e.request)
	if e.stream != nil {
		a.handOver(ctx, e)
		return
	}
	e.send()
	if ctx.Request.Header.ConnectionClose() || wantsClose(e.request.Header) || wantsClose(e.header) {
		last(ctx)
	}
}

// cut ends the connection of a handler that panicked, without a reply to this
// request; replies to those before it go out.
func (a *adapter) cut(ctx *fasthttp.RequestCtx) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause != http.ErrAbortHandler { //nolint:errorlint // the very value is the signal
		a.logger.Error("a handler panicked", "cause", cause, "stack", string(debug.Stack()))
	}
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(net.Conn) {}) // closes it
}

// refuseUnlessIdle refuses what fasthttp could not read. A client that has not sent
// a byte in time has asked for nothing, and is told nothing.
func (a *adapter) refuseUnlessIdle(ctx *fasthttp.RequestCtx, err error) {
	if c, ok := ctx.Conn().(*conn); ok && !c.heard {
		_ = c.Close()
		return
	}
	a.refuse(ctx, err)
}

// refuse answers a request that could not be read, and ends its connection. No
// handler ever sees it.
func (a *adapter) refuse(ctx *fasthttp.RequestCtx, err error) {
	status, e := refusal(err)
	a.refused.WithLabelValues(strconv.Itoa(status)).Inc()
	id := requestID(string(ctx.Request.Header.Peek(requestIDHeader))) // gone if a body failed half way
	reply := &exchange{header: http.Header{requestIDHeader: {id}}, reply: &ctx.Response}
	writeProblem(reply, status, e, id)
	reply.send()
	last(ctx)
}

// refusal says what was wrong with a request.
func refusal(err error) (int, *apperr.Error) {
	_, large := errors.AsType[*fasthttp.ErrSmallBuffer](err)
	switch {
	case large:
		return http.StatusRequestHeaderFieldsTooLarge,
			apperr.New(apperr.Invalid, "header_too_large", "the request header is too large")
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return http.StatusRequestEntityTooLarge, errTooLarge()
	case TimedOut(err):
		return http.StatusRequestTimeout,
			apperr.New(apperr.RequestTimeout, "request_timeout", "the request did not arrive in time")
	default:
		return http.StatusBadRequest,
			apperr.New(apperr.Invalid, "malformed_request", "the request is not valid HTTP")
	}
}

// TimedOut reports an error that says so itself: fasthttp's is no net.Error.
func TimedOut(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}
