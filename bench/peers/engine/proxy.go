package engine

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy stands between a client and a Redis and misbehaves when told to. Safe
// for concurrent use.
type Proxy struct {
	listener net.Listener
	target   string
	// refuseUntil is in nanoseconds of Unix time.
	refuseUntil atomic.Int64
	lose        atomic.Pointer[string] // upper case

	mu    sync.Mutex
	links map[*link]struct{}
	wg    sync.WaitGroup
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn
	hole           atomic.Bool
	losing         atomic.Bool // the next reply
}

// NewProxy starts a proxy to the Redis at target. Close it.
func NewProxy(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the proxy: %w", err)
	}
	p := &Proxy{listener: listener, target: target, links: make(map[*link]struct{})}
	p.wg.Go(p.serve)
	return p, nil
}

// Addr is where clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends the proxy and every connection through it.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.Cut()
	p.wg.Wait()
}

// Cut closes every connection; new ones work.
func (p *Proxy) Cut() {
	for _, l := range p.open() {
		l.close()
	}
}

// Refuse closes every connection, and new ones for as long as d.
func (p *Proxy) Refuse(d time.Duration) {
	p.refuseUntil.Store(time.Now().Add(d).UnixNano())
	p.Cut()
}

// Swallow makes black holes of the connections there are: they stay open and
// nothing passes, as when a firewall has forgotten them. New ones work.
func (p *Proxy) Swallow() {
	for _, l := range p.open() {
		l.hole.Store(true)
	}
}

// LoseReply swallows the reply to the next command of that name, and closes
// its connection: the command is applied, the reply lost.
func (p *Proxy) LoseReply(command string) {
	command = strings.ToUpper(command)
	p.lose.Store(&command)
}

func (p *Proxy) open() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	return links
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if time.Now().UnixNano() < p.refuseUntil.Load() {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		l := &link{client: client, server: server}
		p.mu.Lock()
		p.links[l] = struct{}{}
		p.mu.Unlock()
		p.wg.Go(func() { p.forward(l, server, client, p.request) })
		p.wg.Go(func() { p.forward(l, client, server, p.reply) })
	}
}

// request notes that the reply to what is sent is to be lost.
func (p *Proxy) request(l *link, sent []byte) bool {
	if command := p.lose.Load(); command != nil && bytes.Contains(bytes.ToUpper(sent), []byte(*command)) {
		l.losing.Store(p.lose.CompareAndSwap(command, nil))
	}
	return true
}

func (p *Proxy) reply(l *link, _ []byte) bool { return !l.losing.Load() }

// forward copies one direction until either side closes, or passes says no,
// then closes both.
func (p *Proxy) forward(l *link, to, from net.Conn, passes func(*link, []byte) bool) {
	defer p.forget(l)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || !passes(l, buf[:n]) {
			return
		}
		if l.hole.Load() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) forget(l *link) {
	l.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

func (l *link) close() { _, _ = l.client.Close(), l.server.Close() }
