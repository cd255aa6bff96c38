// Package gateway is the edge of souk: one address for every service, tokens
// checked once before they cost a service anything.
package gateway

import (
	"fmt"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/overload"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/attempts"
	"souk.example/services/gateway/internal/blocklist"
	"souk.example/services/gateway/internal/edge"
	"souk.example/services/gateway/internal/live"
)

// Module is the whole service.
func Module(cfg Config) fx.Option {
	return fx.Module("gateway",
		fxrun.Base("gateway", cfg.base()),
		fx.Supply(cfg, fxrun.ReadyWhen(nil)), // ready at once: a service that is down fails its own routes only
		fx.Provide(newProxies, newBroadcast, blocklist.NewState, blocklist.New, newGuards, newLimits, newHub, newLive, newRouter),
		fxrun.Worker[*pubsub.Bus](),
		fxrun.Worker[*blocklist.State](),
		fxrun.Worker[*live.Hub](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}

func newProxies(cfg Config) (map[edge.Service]*edge.Proxy, error) {
	proxies := make(map[edge.Service]*edge.Proxy)
	for service, urls := range cfg.upstreams() {
		p, err := edge.NewProxy(urls)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", service, err)
		}
		proxies[service] = p
	}
	return proxies, nil
}

func newBroadcast(rdb *redisclient.Client, t *telemetry.Telemetry) (*pubsub.Bus, error) {
	return pubsub.New(rdb, pubsub.Config{Service: "gateway", Log: t.Logger}, pubsub.WithMetrics(t.Registry))
}

// newGuards limits by client address what is asked without a token.
func newGuards(cfg Config, rdb *redisclient.Client, t *telemetry.Telemetry) (edge.Guards, error) {
	if cfg.AddressAttempts == 0 {
		return nil, nil
	}
	logins, err := newLimiter(rdb, t, cfg.attempts("login-address"))
	if err != nil {
		return nil, err
	}
	signUps, err := newLimiter(rdb, t, cfg.attempts("sign-up-address"))
	if err != nil {
		return nil, err
	}
	failures := attempts.Failures(logins)
	return edge.Guards{
		"POST /v1/users":            attempts.All(signUps),
		"POST /v1/sessions":         failures,
		"POST /v1/sessions/refresh": failures,
	}, nil
}

func newLimiter(rdb *redisclient.Client, t *telemetry.Telemetry, cfg ratelimit.Config) (*ratelimit.Limiter, error) {
	cfg.Log = t.Logger
	return ratelimit.New(rdb, cfg, ratelimit.WithMetrics(t.Registry))
}

// newLimits limits what each upstream is given at a time: one that hangs keeps
// nobody from the others.
func newLimits(cfg Config, t *telemetry.Telemetry) (edge.Limits, error) {
	limits := edge.Limits{}
	for service := range cfg.upstreams() {
		l := overload.New(cfg.Overload)
		reg := prometheus.WrapRegistererWith(prometheus.Labels{"upstream": string(service)}, t.Registry)
		if err := reg.Register(l); err != nil {
			return nil, err
		}
		limits[service] = l
	}
	return limits, nil
}

func newHub(cfg Config, rdb *redisclient.Client, t *telemetry.Telemetry) (*live.Hub, error) {
	return live.NewHub(cfg.Streams, rdb, t.Logger, t.Registry)
}

func newLive(hub *live.Hub, proxies map[edge.Service]*edge.Proxy, limits edge.Limits, blocks *blocklist.Blocklist) *live.Live {
	return live.New(hub, edge.NewOwn(edge.Order, proxies, limits), blocks)
}

func newRouter(cfg Config, t *telemetry.Telemetry, v *auth.Verifier, proxies map[edge.Service]*edge.Proxy, limits edge.Limits, blocks *blocklist.Blocklist, guards edge.Guards, streams *live.Live) *gin.Engine {
	r := httpserver.NewRouter(cfg.http(), t)
	r.Use(edge.CORS(cfg.CORSOrigins), blocks.Addresses)
	edge.Register(r, v, proxies, limits, blocks.Users, guards, t.Logger)
	streams.Register(r, v)
	return r
}
