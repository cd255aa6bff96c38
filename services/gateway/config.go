package gateway

import (
	"cmp"
	"fmt"
	"net/url"
	"time"

	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/overload"
	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/edge"
	"souk.example/services/gateway/internal/live"
)

// Config is the gateway's settings. Each upstream lists its replicas.
type Config struct {
	HTTP        httpserver.Config
	Auth        auth.Config
	Redis       redisclient.Config
	Telemetry   telemetry.Config
	Overload    overload.Config
	Streams     live.Config
	User        []string `env:"SOUK_UPSTREAM_USER" envDefault:"http://127.0.0.1:8081" usage:"replicas of user"`
	Inventory   []string `env:"SOUK_UPSTREAM_INVENTORY" envDefault:"http://127.0.0.1:8082" usage:"replicas of inventory"`
	Order       []string `env:"SOUK_UPSTREAM_ORDER" envDefault:"http://127.0.0.1:8083" usage:"replicas of order"`
	Payment     []string `env:"SOUK_UPSTREAM_PAYMENT" envDefault:"http://127.0.0.1:8084" usage:"replicas of payment"`
	Points      []string `env:"SOUK_UPSTREAM_POINTS" envDefault:"http://127.0.0.1:8085" usage:"replicas of points"`
	TrustTraces bool     `env:"SOUK_TRACE_TRUST_CLIENTS" usage:"export what a client's traceparent says is sampled, whatever SOUK_TRACE_SAMPLE_RATIO; in development it always counts"`
	CORSOrigins []string `env:"SOUK_CORS_ORIGINS" usage:"web origins that may call the API, e.g. https://shop.example; none by default"`

	AddressAttempts     int64         `env:"SOUK_ADDRESS_ATTEMPTS" envDefault:"300" usage:"failed logins, and sign-ups, of one client address before it has to wait; 0 is no limit"`
	AddressAttemptEvery time.Duration `env:"SOUK_ADDRESS_ATTEMPT_EVERY" envDefault:"1s" usage:"one more is allowed after each"`
}

// attempts is the limit that name counts.
func (c Config) attempts(name string) ratelimit.Config {
	return ratelimit.Config{Name: name, Limit: ratelimit.Limit{Rate: 1, Per: c.AddressAttemptEvery, Burst: c.AddressAttempts}}
}

func (c Config) upstreams() map[edge.Service][]string {
	return map[edge.Service][]string{
		edge.User: c.User, edge.Inventory: c.Inventory, edge.Order: c.Order, edge.Payment: c.Payment, edge.Points: c.Points,
	}
}

// patience is longer than the services' own deadline, so that their answer to
// a slow request wins over ours, which knows less.
const patience = 12 * time.Second

func (c Config) http() httpserver.Config {
	c.HTTP.RequestTimeout = cmp.Or(c.HTTP.RequestTimeout, patience)
	return c.HTTP
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	for _, origin := range c.CORSOrigins {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			return fmt.Errorf("SOUK_CORS_ORIGINS: %q is not an origin such as https://shop.example", origin)
		}
	}
	if c.AddressAttempts == 0 {
		return nil
	}
	if err := c.attempts("check").Validate(); err != nil {
		return fmt.Errorf("SOUK_ADDRESS_ATTEMPTS and SOUK_ADDRESS_ATTEMPT_EVERY: %w", err)
	}
	return nil
}

// base is what the gateway stands on. Clients' traces go on either way; outside
// development their word alone must not make every service export spans.
func (c Config) base() fxrun.BaseConfig {
	c.Telemetry.Edge = c.Telemetry.Env == "production" && !c.TrustTraces
	return fxrun.BaseConfig{HTTP: c.http(), Auth: c.Auth, Redis: c.Redis, Telemetry: c.Telemetry}
}
