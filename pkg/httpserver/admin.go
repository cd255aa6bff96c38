package httpserver

import (
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"souk.example/pkg/telemetry"
)

// NewAdmin makes the server of /metrics and /debug/pprof/ on cfg.AdminAddr.
// It has no authentication: keep it on the loopback interface or behind a
// network policy.
func NewAdmin(cfg Config, t *telemetry.Telemetry) *Server {
	cfg = cfg.WithDefaults()
	cfg.DrainDelay = 0
	mux := http.NewServeMux()
	// OpenMetrics, for those who ask for it: the only format with exemplars.
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.Registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	// Not /debug/pprof/cmdline: flags may hold secrets.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s := &Server{cfg: cfg, addr: cfg.AdminAddr, logger: t.Logger}
	s.fast = newFast(cfg, mux, t.Logger)
	return s
}
