package redistest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy stands between a client and a Redis and misbehaves when told to.
type Proxy struct {
	listener net.Listener
	target   string
	// DropReplies swallows everything Redis says, while requests still reach
	// it: a lost reply, or a half-open connection.
	DropReplies atomic.Bool
	// LoseReply swallows the next thing Redis says and closes its connection, once
	// Redis has done all that it was asked there: whoever sends the request again is
	// served.
	LoseReply atomic.Bool
	// Latency is how long every reply takes, a [time.Duration].
	Latency atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup
}

// NewProxy starts a proxy to the Redis at target, until the test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	p := &Proxy{listener: listener, target: target, conns: make(map[net.Conn]struct{})}
	p.wg.Go(p.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// Addr is where clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut closes every connection.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = struct{}{}, struct{}{}
		p.mu.Unlock()
		p.wg.Go(func() { forward(server, client, server.Write) })
		p.wg.Go(func() { forward(client, server, func(b []byte) (int, error) { return p.reply(client, server, b) }) })
	}
}

func (p *Proxy) reply(client, server net.Conn, b []byte) (int, error) {
	if p.LoseReply.CompareAndSwap(true, false) {
		_ = server.(*net.TCPConn).CloseWrite() // it closes when it has come to the end
		_, _ = io.Copy(io.Discard, server)
		return 0, net.ErrClosed
	}
	if p.DropReplies.Load() {
		return len(b), nil
	}
	time.Sleep(time.Duration(p.Latency.Load()))
	return client.Write(b)
}

// forward copies by write until either side closes, then closes both.
func forward(to, from net.Conn, write writerFunc) {
	defer func() { _, _ = to.Close(), from.Close() }()
	_, _ = io.Copy(write, from)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
