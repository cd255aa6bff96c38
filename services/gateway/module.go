// Package gateway is the edge of souk: one address for every service, tokens
// checked once before they cost a service anything.
package gateway

import (
	"fmt"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/blocklist"
	"souk.example/services/gateway/internal/edge"
)

// Module is the whole service.
func Module(cfg Config) fx.Option {
	return fx.Module("gateway",
		fxrun.Base("gateway", cfg.base()),
		fx.Supply(cfg, fxrun.ReadyWhen(nil)), // ready at once: a service that is down fails its own routes only
		fx.Provide(newProxies, newBroadcast, blocklist.NewState, blocklist.New, newRouter),
		fxrun.Worker[*pubsub.Bus](),
		fxrun.Worker[*blocklist.State](),
		fxrun.HTTP(),
		fxrun.Supervise(),
	)
}

func newProxies(cfg Config) (map[edge.Service]*edge.Proxy, error) {
	transport := edge.NewTransport()
	proxies := make(map[edge.Service]*edge.Proxy)
	for service, urls := range cfg.upstreams() {
		p, err := edge.NewProxy(transport, urls)
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

func newRouter(cfg Config, t *telemetry.Telemetry, v *auth.Verifier, proxies map[edge.Service]*edge.Proxy, blocks *blocklist.Blocklist) *gin.Engine {
	r := httpserver.NewRouter(cfg.http(), t)
	r.Use(edge.CORS(cfg.CORSOrigins), blocks.Addresses)
	edge.Register(r, v, proxies, blocks.Users)
	return r
}
