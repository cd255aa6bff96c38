package edge

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	dialTimeout = time.Second
	// idleTimeout is less than the services' own: who closes a connection first
	// need not guess whether the other is about to use it.
	idleTimeout = 60 * time.Second
	// replyTimeout bounds a request that has no deadline.
	replyTimeout = 15 * time.Second
	// maxConns is above what the limit of a service lets through.
	maxConns = 16 << 10
	// replyHeader bounds the head of a reply, in bytes.
	replyHeader = 16 << 10
)

// newClient makes the connections to one replica. fasthttp writes and reads on
// the goroutine that asks, where net/http has two more for each connection. It
// repeats a request only if not one byte of it has been sent.
func newClient(addr string) *fasthttp.HostClient {
	return &fasthttp.HostClient{
		Addr:                      addr,
		DialTimeout:               dial,
		MaxConns:                  maxConns,
		MaxIdleConnDuration:       idleTimeout,
		ConnPoolStrategy:          fasthttp.LIFO, // the ones not needed grow old
		ReadTimeout:               replyTimeout,
		WriteTimeout:              replyTimeout,
		ReadBufferSize:            replyHeader,
		StreamResponseBody:        true,
		DisablePathNormalizing:    true,
		NoDefaultUserAgentHeader:  true,
		SecureErrorLogMessage:     true,
		MaxIdemponentCallAttempts: maxConns + 1, // each takes one dead connection away
		RetryIfErr: func(_ *fasthttp.Request, _ int, err error) (resetTimeout, retry bool) {
			return false, errors.Is(err, errClosed)
		},
	}
}

func dial(addr string, patience time.Duration) (net.Conn, error) {
	if patience <= 0 || patience > dialTimeout {
		patience = dialTimeout
	}
	d := net.Dialer{Timeout: patience, KeepAlive: 15 * time.Second}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &conn{Conn: c, raw: raw}, nil
}

// errClosed is a connection that the service has closed, or spoken on unasked,
// since its last reply. Nothing was written on it.
var errClosed = errors.New("the connection is no longer good")

// conn is a connection that looks whether it is still good before a request is
// written on it, which fasthttp leaves the request to find out. In use by one
// request at a time.
type conn struct {
	net.Conn
	raw    syscall.RawConn
	rested bool // a reply has been read, and nothing written since
}

// Read implements net.Conn. The end of the connection is no io.EOF, which
// fasthttp would take for the end of a chunked reply.
func (c *conn) Read(p []byte) (int, error) {
	c.rested = true
	n, err := c.Conn.Read(p)
	if err == io.EOF { //nolint:errorlint // a Reader says it plainly
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Write implements net.Conn. It fails with errClosed before the first byte of a
// request or not at all.
func (c *conn) Write(p []byte) (int, error) {
	if c.rested && !c.good() {
		return 0, errClosed
	}
	c.rested = false
	return c.Conn.Write(p)
}

// good reports whether there is nothing to read, not even an end (as in
// go-sql-driver's connCheck, which a deadline of the last request would stop).
func (c *conn) good() bool {
	var got error
	err := c.raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, got = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && errors.Is(got, syscall.EAGAIN)
}
