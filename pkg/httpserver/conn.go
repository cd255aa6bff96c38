package httpserver

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// A client that is still sending when it is refused would lose the reply, as the
// kernel resets a connection that is closed with something unread. So such a
// connection is closed for writing first, and read for a while (RFC 9112, 9.6;
// the bounds are near net/http's).
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		return &conn{TCPConn: tcp, remote: tcp.RemoteAddr().String()}, nil
	}
	return c, nil
}

// conn is a client's connection.
type conn struct {
	*net.TCPConn
	remote  string // written once, not for each request
	refused atomic.Bool
}

// Close implements net.Conn. It blocks for lingerTime at most.
func (c *conn) Close() error {
	if c.refused.Swap(false) && c.CloseWrite() == nil && c.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, c.TCPConn, lingerBytes)
	}
	return c.TCPConn.Close()
}

// remoteAddr is the client's address and port.
func remoteAddr(ctx *fasthttp.RequestCtx) string {
	if c, ok := ctx.Conn().(*conn); ok {
		return c.remote
	}
	return ctx.RemoteAddr().String()
}

// linger lets a client read the reply that ends its connection.
func linger(ctx *fasthttp.RequestCtx) {
	if c, ok := ctx.Conn().(*conn); ok {
		c.refused.Store(true)
	}
	ctx.SetConnectionClose()
}
