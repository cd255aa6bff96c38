package httpserver

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// conns are a server's open connections.
type conns struct {
	writeTimeout time.Duration

	mu   sync.Mutex
	open map[*conn]struct{}
}

// listener accepts connections that conns knows.
type listener struct {
	net.Listener
	conns *conns
}

// scarcity is what to wait at most for file descriptors and memory; net/http does
// the same.
const scarcity = time.Second

// Accept implements net.Listener. It waits while the process has no more room for
// connections: fasthttp would end the server.
func (l listener) Accept() (net.Conn, error) {
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, scarcity) {
		c, err := l.Listener.Accept()
		if err == nil {
			return l.conns.keep(c), nil
		}
		if !isScarce(err) {
			return nil, err
		}
		time.Sleep(wait) // once closed, Accept says so
	}
}

func isScarce(err error) bool {
	for _, scarce := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, scarce) {
			return true
		}
	}
	return false
}

func (s *conns) keep(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	kept := &conn{TCPConn: tcp, all: s, remote: tcp.RemoteAddr().String()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[kept] = struct{}{}
	return kept
}

// cut closes what is open, whoever is served there.
func (s *conns) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		_ = c.TCPConn.Close()
	}
}

func (s *conns) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// conn is a client's connection.
type conn struct {
	*net.TCPConn
	all     *conns
	remote  string // written once, not for each request
	heard   bool   // a byte; for the goroutine that reads
	lingers atomic.Bool
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.heard = c.heard || n > 0
	return n, err
}

// Write implements net.Conn. Each write has its time: fasthttp would give it to the
// replies of handlers only, and what it says by itself would go by the last one's.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.all.writeTimeout)); err != nil {
		return 0, err
	}
	return c.TCPConn.Write(p)
}

// A client that is still sending when its connection ends would lose the reply, as
// the kernel resets a connection that is closed with something unread. So it is
// closed for writing first, and read for a while (RFC 9112, 9.6; the bounds are
// near net/http's).
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// Close implements net.Conn. It blocks for lingerTime at most.
func (c *conn) Close() error {
	defer c.all.forget(c)
	if c.lingers.Swap(false) && c.CloseWrite() == nil && c.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
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

// last makes the reply the connection's last, and lets the client read it.
func last(ctx *fasthttp.RequestCtx) {
	if c, ok := ctx.Conn().(*conn); ok {
		c.lingers.Store(true)
	}
	ctx.SetConnectionClose()
}
