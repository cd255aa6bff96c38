package httpapi_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/internal/httpbench"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

// production is what a service is run with: nothing is logged of a request that
// went well, and no trace is sampled.
func production(b *testing.B) (httpserver.Config, *telemetry.Telemetry) {
	b.Helper()
	t, err := telemetry.New(b.Context(), telemetry.Config{LogWriter: io.Discard})
	if err != nil {
		b.Fatal(err)
	}
	return httpserver.Config{AccessLog: "errors"}, t
}

// handlers are a product page that is in memory, and the least that gin can do.
func handlers(b *testing.B) map[string]http.Handler {
	b.Helper()
	cfg, t := production(b)
	pages := newServiceWith(b, httpserver.NewRouter(cfg, t))
	pages.add(b, "TEA-1")
	empty := gin.New()
	empty.GET("/v1/products/:sku", func(c *gin.Context) { c.Status(http.StatusOK) })
	return map[string]http.Handler{"page": pages, "empty": empty}
}

// silent is a reply that nobody reads.
type silent struct{ header http.Header }

func (s silent) Header() http.Header         { return s.header }
func (s silent) Write(p []byte) (int, error) { return len(p), nil }
func (s silent) WriteHeader(int)             {}

// What a page takes above net/http, and an empty handler.
func BenchmarkHandler(b *testing.B) {
	for name, h := range handlers(b) {
		b.Run(name, func(b *testing.B) {
			req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/v1/products/TEA-1", http.NoBody)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(silent{make(http.Header)}, req)
			}
		})
	}
}

// The same with the whole server.
func BenchmarkServer(b *testing.B) {
	all := handlers(b)
	for name, serve := range map[string]func(*testing.B, http.Handler) string{"page": serveOurs, "empty": serveBare} {
		b.Run(name, func(b *testing.B) {
			request := []byte("GET /v1/products/TEA-1 HTTP/1.1\r\nHost: souk\r\n\r\n")
			httpbench.Load(b, serve(b, all[name]), request, http.StatusOK)
		})
	}
}

// serveOurs serves as a service does.
func serveOurs(b *testing.B, h http.Handler) string {
	b.Helper()
	cfg, t := production(b)
	return httpbench.Serve(b, cfg, h, t)
}

// serveBare serves as souk bench's empty handler.
func serveBare(b *testing.B, h http.Handler) string {
	b.Helper()
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	b.Cleanup(func() {
		if err := errors.Join(s.Close(), <-done); !errors.Is(err, http.ErrServerClosed) {
			b.Error(err)
		}
	})
	return l.Addr().String()
}
