package httpserver

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/telemetry"
)

// NewRouter makes a router whose every reply, also to what it does not know,
// follows the package's conventions. It trusts no proxy and redirects nothing.
//
// It switches gin, whose mode is global, to release mode: gin's debug mode
// prints to standard output.
func NewRouter(cfg Config, t *telemetry.Telemetry) *gin.Engine {
	cfg = cfg.withDefaults()
	engine := newEngine()
	engine.Use(identify(t.Logger), traced(t.Tracer))
	if cfg.AccessLog != "off" {
		engine.Use(logged(t.Logger, cfg.AccessLog))
	}
	engine.Use(measured(t.Registry), recovered(), strictURL, bounded(cfg.MaxBody))
	if cfg.RequestTimeout > 0 {
		engine.Use(timed(cfg.RequestTimeout))
	}
	engine.NoRoute(func(c *gin.Context) {
		Fail(c, apperr.New(apperr.NotFound, "route_not_found", "there is nothing at this path"))
	})
	engine.NoMethod(func(c *gin.Context) { // gin has set Allow
		FailStatus(c, http.StatusMethodNotAllowed, apperr.New(apperr.Invalid, "method_not_allowed", "this path does not take the method"))
	})
	return engine
}

func newEngine() *gin.Engine {
	if gin.Mode() != gin.ReleaseMode { // a write that changes nothing would still be a race
		gin.SetMode(gin.ReleaseMode)
	}
	engine := gin.New(func(e *gin.Engine) {
		e.RedirectTrailingSlash = false
		e.HandleMethodNotAllowed = true
		e.ForwardedByClientIP = false
	})
	_ = engine.SetTrustedProxies(nil) // nil always parses
	return engine
}
