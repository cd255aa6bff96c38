// Package httpbench measures what a request costs a server, for benchmarks.
package httpbench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

// connections at a time.
const connections = 64

// Number stands in a request for a number of its own.
const Number = "##########"

// Load sends the server at addr request b.N times on 64 connections, each the
// next when one is answered, and fails b on any other status. The client speaks
// prepared bytes and allocates nothing. Of the figures, cpu-µs/op, which is the
// whole process's, moves least when others use the machine.
func Load(b *testing.B, addr string, request []byte, status int) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var clients sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	for range connections {
		clients.Go(func() { client(b, addr, request, status, &left) })
	}
	clients.Wait()
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
}

func client(b *testing.B, addr string, request []byte, status int, left *atomic.Int64) {
	conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close()
	request = bytes.Clone(request)
	_, rest, found := bytes.Cut(request, []byte(Number))
	place := request[:len(request)-len(rest)]
	r := bufio.NewReader(conn)
	for n := left.Add(-1); n >= 0; n = left.Add(-1) {
		if found {
			fill(place[len(place)-len(Number):], n)
		}
		if err := ask(conn, r, request, status); err != nil {
			b.Error(err)
			return
		}
	}
}

// fill writes n in decimal, with zeros in front.
func fill(place []byte, n int64) {
	for i := len(place) - 1; i >= 0; i-- {
		place[i] = byte('0' + n%10)
		n /= 10
	}
}

func ask(conn io.Writer, r *bufio.Reader, request []byte, status int) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	line, err := r.Peek(len("HTTP/1.1 200"))
	if err != nil {
		return err
	}
	if number(line[len("HTTP/1.1 "):]) != status {
		return fmt.Errorf("answered %s", line)
	}
	return Skip(r)
}

// Skip reads one message with a Content-Length, request or reply, to its end.
func Skip(r *bufio.Reader) error {
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			_, err := r.Discard(length)
			return err
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length = number(value)
		}
	}
}

// number is what the digits say that line begins with.
func number(line []byte) (n int) {
	for _, c := range line {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// cpu is what the process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // never fails
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Serve serves h as a service does, to the end of b, and returns its address.
func Serve(b *testing.B, cfg httpserver.Config, h http.Handler, t *telemetry.Telemetry) string {
	s := httpserver.New(cfg, h, t)
	if err := s.Listen(); err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(b.Context()) }() // which ends before the cleanup
	b.Cleanup(func() {
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return s.Addr()
}
