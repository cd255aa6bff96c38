package redistest

import (
	"net"
	"os"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// program is the redis-server that tests run, or empty.
func program() string { return os.Getenv("SOUK_TEST_REDIS_SERVER") }

// Server is a Redis of one test that can be killed and replaced. It keeps
// nothing on disk. Safe for concurrent use.
type Server struct {
	t    testing.TB
	addr string
	// run serves at addr until stop is called; ok is false when it cannot.
	run func(addr string) (stop func(), ok bool)

	mu   sync.Mutex
	stop func() // nil while the server is killed
}

// Start runs a Server until the test ends: a process of the redis-server that
// SOUK_TEST_REDIS_SERVER names, or else a miniredis.
func Start(t testing.TB) *Server {
	t.Helper()
	if program() == "" {
		return start(t, runMini)
	}
	return start(t, process(program(), "--dir", t.TempDir()))
}

// start runs a server at a free port. Another process may take the port that
// was free a moment ago: then it tries the next.
func start(t testing.TB, run func(addr string) (func(), bool)) *Server {
	t.Helper()
	for range 5 {
		s := &Server{t: t, addr: freeAddr(t), run: run}
		if stop, ok := run(s.addr); ok {
			s.stop = stop
			t.Cleanup(s.Kill)
			return s
		}
	}
	t.Fatal("no Redis started at any of five free ports")
	return nil
}

// Addr is where clients connect to, before and after a Restart.
func (s *Server) Addr() string { return s.addr }

// Kill ends the server as a crash would; clients are refused from then on. It
// does nothing to a server that is killed already.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// Restart brings a killed server back at its address, empty.
func (s *Server) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		s.t.Errorf("redis at %s was not killed", s.addr)
		return
	}
	stop, ok := s.run(s.addr)
	if !ok {
		s.t.Errorf("redis at %s does not restart", s.addr)
		return
	}
	s.stop = stop
}

// Wipe is Kill and Restart: a master lost and replaced by an empty one.
func (s *Server) Wipe() {
	s.Kill()
	s.Restart()
}

// runMini listens by itself: miniredis would serve before it knows its
// commands, and refuse who connects in that moment.
func runMini(addr string) (stop func(), ok bool) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, false
	}
	mini := miniredis.NewMiniRedis()
	first, err := mini.Dial() // which has it learn its commands
	if err != nil {
		return nil, false
	}
	_ = first.Close()
	var accepting sync.WaitGroup
	accepting.Go(func() { acceptFor(mini.Server(), l) })
	return func() {
		_ = l.Close()
		accepting.Wait()
		mini.Close()
	}, true
}

// acceptFor serves connections until l is closed.
func acceptFor(s *server.Server, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.ServeConn(c)
	}
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
