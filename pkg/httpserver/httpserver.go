// Package httpserver is gin with everything a production server needs, on
// fasthttp's connections: strict JSON in, RFC 9457 problem+json out, request
// ids, traces, metrics, an access log without personal data, limits on
// everything a client can make large or slow, health endpoints and a shutdown
// that loses no request.
//
// A service makes a router with NewRouter, adds its routes, and runs it with
// New. Handlers use Bind, Fail, Caller and their like.
package httpserver

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

const defaultMaxBody = 64 << 10

// Config is where to listen and how long to wait. The zero value listens on a
// free port of the loopback interface with the defaults below and no drain
// delay.
type Config struct {
	Addr      string `env:"SOUK_HTTP_ADDR" envDefault:"127.0.0.1:8080" usage:"public listener"`
	AdminAddr string `env:"SOUK_ADMIN_ADDR" envDefault:"127.0.0.1:9080" usage:"listener of metrics and profiles"`

	// TrustedProxies are the networks of load balancers whose X-Forwarded-For
	// says who the client is; nobody's by default.
	TrustedProxies []string `env:"SOUK_TRUSTED_PROXIES" usage:"networks, e.g. 10.0.0.0/8, of load balancers whose X-Forwarded-For is believed; none by default"`

	// DrainDelay is how long a server that is told to stop goes on serving
	// while it reports not ready, so that load balancers turn away first.
	DrainDelay time.Duration `env:"SOUK_HTTP_DRAIN_DELAY" envDefault:"3s" usage:"serve on for this long after being told to stop"`
	// ShutdownTimeout bounds the wait for requests in hand after that; 15 s.
	ShutdownTimeout time.Duration `env:"SOUK_HTTP_SHUTDOWN_TIMEOUT" usage:"time limit of requests in hand at shutdown (default 15s)"`

	// MaxBody is the largest request body in bytes; 64 KiB.
	MaxBody int64 `env:"SOUK_HTTP_MAX_BODY" usage:"largest request body in bytes (default 65536)"`
	// MaxHeader bounds the request line and headers in bytes; 16 KiB. Each
	// connection has as much memory for them.
	MaxHeader int `env:"SOUK_HTTP_MAX_HEADER" usage:"largest request header in bytes (default 16384)"`

	// HeaderTimeout bounds reading the headers; 5 s.
	HeaderTimeout time.Duration `env:"SOUK_HTTP_HEADER_TIMEOUT" usage:"time limit of reading the request headers (default 5s)"`
	// ReadTimeout bounds reading the body; 10 s.
	ReadTimeout time.Duration `env:"SOUK_HTTP_READ_TIMEOUT" usage:"time limit of reading a request's body (default 10s)"`
	// RequestTimeout is the deadline of a request's context; 10 s, negative
	// for none.
	RequestTimeout time.Duration `env:"SOUK_HTTP_REQUEST_TIMEOUT" usage:"deadline of a request (default 10s)"`
	// WriteTimeout bounds writing the reply; 30 s.
	WriteTimeout time.Duration `env:"SOUK_HTTP_WRITE_TIMEOUT" usage:"time limit of writing a reply (default 30s)"`
	// IdleTimeout closes a connection without requests; 75 s, longer than
	// the minute that load balancers like to reuse one for.
	IdleTimeout time.Duration `env:"SOUK_HTTP_IDLE_TIMEOUT" usage:"close an idle connection after (default 75s)"`

	// AccessLog says which requests are logged; "all" (the default),
	// "errors" (status 500 and above) or "off".
	AccessLog string `env:"SOUK_ACCESS_LOG" usage:"requests to log: all, errors or off (default all)"`
}

// WithDefaults returns what a server goes by: 0 and "" stand for the defaults.
func (c Config) WithDefaults() Config {
	c.Addr = cmp.Or(c.Addr, "127.0.0.1:0")
	c.AdminAddr = cmp.Or(c.AdminAddr, "127.0.0.1:0")
	c.ShutdownTimeout = cmp.Or(c.ShutdownTimeout, 15*time.Second)
	c.MaxBody = cmp.Or(c.MaxBody, defaultMaxBody)
	c.MaxHeader = cmp.Or(c.MaxHeader, 16<<10)
	c.HeaderTimeout = cmp.Or(c.HeaderTimeout, 5*time.Second)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, 10*time.Second)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 75*time.Second)
	c.AccessLog = cmp.Or(c.AccessLog, "all")
	return c
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	c = c.WithDefaults()
	if c.DrainDelay < 0 || c.ShutdownTimeout < 0 || c.HeaderTimeout < 0 || c.ReadTimeout < 0 || c.WriteTimeout < 0 || c.IdleTimeout < 0 {
		return errors.New("http: a timeout is negative")
	}
	if c.MaxBody < 0 || c.MaxHeader < 0 {
		return errors.New("http: a size limit is negative")
	}
	for _, network := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(network); err != nil {
			return fmt.Errorf("SOUK_TRUSTED_PROXIES: %q is not a network such as 10.0.0.0/8", network)
		}
	}
	if c.AccessLog != "all" && c.AccessLog != "errors" && c.AccessLog != "off" {
		return errors.New("SOUK_ACCESS_LOG must be all, errors or off")
	}
	return nil
}
