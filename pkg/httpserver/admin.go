package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"souk.example/pkg/telemetry"
)

// profileLimit is longer than the longest profile anyone asks for.
const profileLimit = 5 * time.Minute

// NewAdmin makes the server of /metrics and /debug/pprof/ on cfg.AdminAddr.
// It has no authentication: keep it on the loopback interface or behind a
// network policy.
func NewAdmin(cfg Config, t *telemetry.Telemetry) *Server {
	cfg = cfg.WithDefaults()
	cfg.DrainDelay = 0
	cfg.WriteTimeout = profileLimit
	mux := http.NewServeMux()
	// OpenMetrics, for those who ask for it: the only format with exemplars.
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.Registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	// Not /debug/pprof/cmdline: flags may hold secrets.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return &Server{cfg: cfg, addr: cfg.AdminAddr, logger: t.Logger, backend: newPlain(cfg, mux, t.Logger)}
}

// plain is net/http's server: a profile streams, ends when its client leaves, and
// goes by the server's time limit.
type plain struct{ *http.Server }

func newPlain(cfg Config, h http.Handler, logger *slog.Logger) plain {
	return plain{&http.Server{
		Handler:           h,
		ReadHeaderTimeout: cfg.HeaderTimeout,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.WriteTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    cfg.MaxHeader,
		// It complains about single connections and names their addresses.
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}}
}

// Serve implements backend.
func (p plain) Serve(l net.Listener) error {
	if err := p.Server.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Shutdown implements backend.
func (p plain) Shutdown(ctx context.Context) error {
	err := p.Server.Shutdown(ctx)
	if ctx.Err() != nil {
		err = errors.Join(err, p.Close())
	}
	return err
}
