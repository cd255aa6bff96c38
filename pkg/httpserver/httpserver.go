// Package httpserver is gin with everything a production server needs.
package httpserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
	"souk.example/pkg/telemetry"
)

// Config is the server's settings.
type Config struct {
	Addr       string        `env:"SOUK_HTTP_ADDR"`
	AdminAddr  string        `env:"SOUK_ADMIN_ADDR"`
	DrainDelay time.Duration `env:"SOUK_HTTP_DRAIN_DELAY"`
	MaxBody    int64         `env:"SOUK_HTTP_MAX_BODY"`
}

// Server serves.
type Server struct{}

// Check is a readiness probe.
type Check struct {
	Name  string
	Probe func(context.Context) error
}

// NewRouter makes the router.
func NewRouter(cfg Config, t *telemetry.Telemetry) *gin.Engine { return gin.New() }

// New makes the public server.
func New(cfg Config, h http.Handler, t *telemetry.Telemetry, ready ...Check) *Server {
	return &Server{}
}

// NewAdmin makes the admin server.
func NewAdmin(cfg Config, t *telemetry.Telemetry) *Server { return &Server{} }

// Run runs.
func (s *Server) Run(ctx context.Context) error { return errors.New("not built") }

// Listen binds.
func (s *Server) Listen() error { return errors.New("not built") }

// Addr is the bound address.
func (s *Server) Addr() string { return "" }

// Bind decodes.
func Bind[T any](c *gin.Context) (T, error) {
	var t T
	return t, errors.New("not built")
}

// Fail renders err.
func Fail(c *gin.Context, err error) {}

// Authenticate verifies the bearer token.
func Authenticate(v *auth.Verifier) gin.HandlerFunc { return nil }

// RequireRole refuses other roles.
func RequireRole(role string) gin.HandlerFunc { return nil }

// Caller is the authenticated caller.
func Caller(c *gin.Context) auth.Claims { return auth.Claims{} }

// IdempotencyKey reads the header.
func IdempotencyKey(c *gin.Context) (string, error) { return "", errors.New("not built") }

// ParseID reads a path parameter.
func ParseID(c *gin.Context, param string) (int64, bool) { return 0, false }

// Page is a list request.
type Page struct {
	Limit  int
	Cursor string
}

// ParsePage reads limit and cursor.
func ParsePage(c *gin.Context) (Page, error) { return Page{}, errors.New("not built") }

// RequestIDFrom is the request's id.
func RequestIDFrom(ctx context.Context) string { return "" }
