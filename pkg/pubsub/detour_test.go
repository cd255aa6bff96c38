package pubsub_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// detour is an address behind which one Redis can be replaced by another.
type detour struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	conns  map[net.Conn]struct{}
	wg     sync.WaitGroup
}

func newDetour(t *testing.T, target string) *detour {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &detour{listener: l, target: target, conns: make(map[net.Conn]struct{})}
	d.wg.Go(d.serve)
	t.Cleanup(func() {
		_ = l.Close()
		d.lead("")
		d.wg.Wait()
	})
	return d
}

func (d *detour) addr() string { return d.listener.Addr().String() }

// lead cuts every connection and leads new ones to target.
func (d *detour) lead(target string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.target = target
	for c := range d.conns {
		_ = c.Close()
	}
	clear(d.conns)
}

func (d *detour) serve() {
	for {
		client, err := d.listener.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		server, err := net.Dial("tcp", d.target)
		if err != nil {
			d.mu.Unlock()
			_ = client.Close()
			continue
		}
		d.conns[client], d.conns[server] = struct{}{}, struct{}{}
		d.mu.Unlock()
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			d.wg.Go(func() {
				defer func() { _, _ = client.Close(), server.Close() }()
				_, _ = io.Copy(way[0], way[1])
			})
		}
	}
}
