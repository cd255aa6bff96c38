package redistest

import (
	"net"
	"os/exec"
	"testing"
	"time"
)

// startServer runs a redis-server that keeps nothing on disk until the test
// ends, and returns its address. Another process may take the port that was
// free a moment ago: then it tries the next.
func startServer(t testing.TB, program string) string {
	t.Helper()
	for range 5 {
		if addr := freeAddr(t); serves(t, program, addr) {
			return addr
		}
	}
	t.Fatalf("%s does not start", program)
	return ""
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// serves starts the server and reports whether it came to listen at addr.
func serves(t testing.TB, program, addr string) bool {
	t.Helper()
	host, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(program, "--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	return listens(addr, ended)
}

// listens waits until the server listens at addr; false when it has ended, and
// so whoever listens there is another.
func listens(addr string, ended <-chan struct{}) bool {
	for range 2000 { // ten seconds
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return !closed(ended)
		}
	}
	return false
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
