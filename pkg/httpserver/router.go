package httpserver

import (
	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/telemetry"
)

// NewRouter makes a router whose every reply, also to what it does not know,
// follows the package's conventions. It trusts no proxy that cfg does not name
// and redirects nothing.
//
// It switches gin, whose mode is global, to release mode: gin's debug mode
// prints to standard output.
func NewRouter(cfg Config, t *telemetry.Telemetry) *gin.Engine {
	cfg = cfg.WithDefaults()
	engine := newEngine(cfg.TrustedProxies)
	engine.Use(identify(t.Logger), traced(t.Tracer))
	if cfg.AccessLog != "off" {
		engine.Use(logged(t.AccessLog, cfg.AccessLog))
	}
	engine.Use(measured(t.Registry), recovered(), strictURL, bounded(cfg.MaxBody))
	if cfg.RequestTimeout > 0 {
		engine.Use(timed(cfg.RequestTimeout))
	}
	engine.NoRoute(func(c *gin.Context) {
		Fail(c, apperr.New(apperr.NotFound, "route_not_found", "there is nothing at this path"))
	})
	engine.NoMethod(otherMethod)
	return engine
}

func newEngine(trusted []string) *gin.Engine {
	if gin.Mode() != gin.ReleaseMode { // a write that changes nothing would still be a race
		gin.SetMode(gin.ReleaseMode)
	}
	engine := gin.New(func(e *gin.Engine) {
		e.RedirectTrailingSlash = false
		e.HandleMethodNotAllowed = true
		e.ForwardedByClientIP = len(trusted) > 0
		e.RemoteIPHeaders = []string{"X-Forwarded-For"}
	})
	if engine.SetTrustedProxies(trusted) != nil { // Validate tells the operator
		_ = engine.SetTrustedProxies(nil)
	}
	return engine
}
