package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"souk.example/pkg/telemetry"
)

// Server is one listener with its limits, health endpoints and orderly end.
// Use it once: Listen, then Run, or Run alone.
type Server struct {
	cfg      Config
	addr     string
	backend  backend
	logger   *slog.Logger
	listener net.Listener
	draining atomic.Bool
}

// New makes the public server of h, with /livez and /readyz in front of it.
// The service is ready while every check answers nil and it is not draining.
func New(cfg Config, h http.Handler, t *telemetry.Telemetry, ready ...Check) *Server {
	cfg = cfg.WithDefaults()
	s := &Server{cfg: cfg, addr: cfg.Addr, logger: t.Logger}
	s.backend = newFast(cfg, &health{next: h, server: s, ready: ready}, t)
	return s
}

// backend reads requests from connections.
type backend interface {
	// Serve blocks until l is closed, and returns nil then.
	Serve(l net.Listener) error
	// Shutdown waits for the requests in hand; when ctx ends first it cuts
	// their connections.
	Shutdown(ctx context.Context) error
}

// Listen claims the address, so that a taken port is an error at start. The
// operating system queues clients until Run.
func (s *Server) Listen() error {
	if s.listener != nil {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.addr, err)
	}
	s.listener = l
	return nil
}

// Addr is the address listened on, with the real port; before Listen it is the
// configured one.
func (s *Server) Addr() string {
	if s.listener == nil {
		return s.addr
	}
	return s.listener.Addr().String()
}

// Run serves until ctx ends. It then reports not ready and asks clients to
// leave their connections while it serves on for DrainDelay, stops accepting,
// and waits for the requests in hand, at most ShutdownTimeout. Requests are
// not cancelled by ctx. Run returns nil when it ended in good order.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- s.backend.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	if err := serveOn(failed, s.cfg.DrainDelay); err != nil {
		return fmt.Errorf("serve %s: %w", s.Addr(), err)
	}
	err := s.shutdown()
	if served := <-failed; served != nil {
		err = errors.Join(err, fmt.Errorf("serve %s: %w", s.Addr(), served))
	}
	return err
}

// serveOn waits for delay, or for a server that cannot go on.
func serveOn(failed <-chan error, delay time.Duration) error {
	if delay <= 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case err := <-failed:
		return err
	case <-timer.C:
		return nil
	}
}

func (s *Server) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.ShutdownTimeout)
	defer cancel()
	_ = s.listener.Close() // which a backend knows only once it serves
	if err := s.backend.Shutdown(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("shut down %s: %w", s.Addr(), err)
	}
	return nil
}
