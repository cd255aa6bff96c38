package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/valyala/fasthttp"
)

// Stream has send say the reply, piece by piece, once the handlers have returned:
// so no deadline of the request ends it, and it holds nothing that counts requests
// in hand. The status is what metrics and the access log are told; send writes its
// own. What w is given goes out at once, to the end of the connection, which is the
// reply's: there is no length. w is an http.Hijacker too, for what is not HTTP any
// more. Its header has what the middlewares put there.
//
// ctx has the request's values, and ends when the server shuts down, which then
// waits for send as it does for requests in hand. Stream is for routes of NewRouter
// behind a server of New; anywhere else it fails the request. HEAD is 200.
func Stream(c *gin.Context, status int, send func(ctx context.Context, w http.ResponseWriter)) {
	e := exchangeOf(c.Writer)
	if e == nil {
		Fail(c, errors.New("httpserver: a stream needs a connection of New's server"))
		return
	}
	if e.request.Method == http.MethodHead {
		c.Status(http.StatusOK) // that would be the head: there is nothing to wait for
		return
	}
	c.Status(status)
	values := context.WithoutCancel(c.Request.Context())
	e.stream = func(ctx context.Context, w http.ResponseWriter) { send(merged{ctx, values}, w) }
}

// exchangeOf finds the exchange below gin's writer.
func exchangeOf(w http.ResponseWriter) *exchange {
	for {
		switch v := w.(type) {
		case *exchange:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}

// merged is a context with another's values.
type merged struct {
	context.Context //nolint:containedctx // it is one
	values          context.Context
}

// Value implements context.Context. Package context asks its own for its parents.
func (m merged) Value(key any) any {
	if v := m.Context.Value(key); v != nil {
		return v
	}
	return m.values.Value(key)
}

// streams are a server's replies that go on after their handlers. The zero value
// is none.
type streams struct {
	mu      sync.Mutex
	ended   bool
	running map[*context.CancelFunc]struct{}
	all     sync.WaitGroup
}

// begin lists a stream; its context has ended if the server has.
func (s *streams) begin() (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		cancel()
		return ctx, cancel
	}
	if s.running == nil {
		s.running = make(map[*context.CancelFunc]struct{})
	}
	s.running[&cancel] = struct{}{}
	s.all.Add(1)
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.running, &cancel)
		s.all.Done()
	}
}

// end tells all streams to end and waits for them, until ctx ends.
func (s *streams) end(ctx context.Context) {
	s.mu.Lock()
	s.ended = true
	for cancel := range s.running {
		(*cancel)()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.all.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done(): // their connections are cut
	}
}

// handOver gives the connection to the exchange's stream. fasthttp closes it after.
func (a *adapter) handOver(ctx *fasthttp.RequestCtx, e *exchange) {
	below := ctx.Conn()
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) {
		running, end := a.streams.begin()
		defer end()
		defer func() {
			if cause := recover(); cause != nil {
				a.logger.ErrorContext(running, "a stream panicked", slog.Any("cause", cause), slog.String("stack", string(debug.Stack())))
			}
		}()
		e.stream(running, &streamWriter{conn: streamConn{c, below}, header: e.header})
	})
}

// streamConn is a connection that its Close closes, which fasthttp would leave to
// the stream's end, while somebody reads. It reads what fasthttp has read ahead first.
type streamConn struct {
	net.Conn
	below net.Conn
}

// Close implements net.Conn.
func (c streamConn) Close() error { return c.below.Close() }

// streamWriter is the http.ResponseWriter of a stream. For one goroutine.
type streamWriter struct {
	conn   net.Conn
	header http.Header
	begun  bool
}

// Header implements http.ResponseWriter.
func (w *streamWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. An error shows at the next Write.
func (w *streamWriter) WriteHeader(status int) {
	if w.begun {
		return
	}
	w.begun = true
	var head bytes.Buffer
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, http.StatusText(status), time.Now().UTC().Format(http.TimeFormat))
	if status != http.StatusSwitchingProtocols {
		w.header.Set("Connection", "close")
	}
	_ = w.header.Write(&head)
	head.WriteString("\r\n")
	_, _ = w.conn.Write(head.Bytes())
}

// Write implements http.ResponseWriter.
func (w *streamWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.conn.Write(p)
}

// Hijack implements http.Hijacker. Nobody may read or write when the stream ends.
func (w *streamWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}
