package redisclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// ErrNoReply says of a write that its connection failed under way: it may have
// been applied or not.
var ErrNoReply = errors.New("redis did not reply")

// noReply hides the error of a connection from go-redis, which would retry
// it: the cluster client does so whatever MaxRetries says, and MaxRedirects
// cannot be zero without losing MOVED too.
type noReply struct{ err error }

func (e noReply) Error() string        { return fmt.Sprintf("%v: %v", ErrNoReply, e.err) }
func (e noReply) Is(target error) bool { return target == ErrNoReply }

// writeConn is a connection whose failure is no reason to send a request
// again. Only errors from here are: without a connection nothing was sent, and
// what Redis refuses (MOVED, LOADING) it has not applied.
type writeConn struct{ net.Conn }

func (c writeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, hide(err)
}

func (c writeConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, hide(err)
}

// plainConn lets the pool see that an idle connection was closed. Below TLS it
// does not look.
type plainConn struct {
	writeConn
	raw syscall.Conn
}

// SyscallConn implements syscall.Conn.
func (c plainConn) SyscallConn() (syscall.RawConn, error) { return c.raw.SyscallConn() }

func hide(err error) error {
	if err == nil {
		return nil
	}
	return noReply{err}
}

// dialWrites opens connections whose failures are ErrNoReply, with TLS unless
// secure is nil.
func dialWrites(timeout time.Duration, secure *tls.Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: timeout, KeepAlive: 5 * time.Minute}
	dial := dialer.DialContext
	if secure != nil {
		dial = (&tls.Dialer{NetDialer: dialer, Config: secure}).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if raw, ok := conn.(syscall.Conn); ok {
			return plainConn{writeConn{conn}, raw}, nil
		}
		return writeConn{conn}, nil
	}
}
