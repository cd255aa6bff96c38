// Package gate refuses orders for what is sold out when they come, by the gates
// that inventory publishes (internal/stockgate). It knows which SKUs have one, so
// that orders for all others never wait for Redis.
//
// Redis that is away, slow or full, and gates that are not kept up to date, let
// everybody pass: inventory decides then, as it does about every order.
package gate

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/contracts"
	"souk.example/internal/stockgate"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/remote"
)

// Config of a Gate; the zero value of a field asks for its default.
type Config struct {
	Every      time.Duration // between looks at which SKUs have a gate; default 1 s
	RetryAfter time.Duration // what those are told who wait for units; default 2 s
	Timeout    time.Duration // of one request to Redis; default 100 ms
	RetryPause time.Duration // during which a Redis that failed is not asked; default 1 s
	Log        *slog.Logger  // told when Redis fails and when it is back; nil discards
}

// Gate implements order.Gate. Run it once. Safe for concurrent use.
type Gate struct {
	gates      *stockgate.Gates
	remote     *remote.Redis
	every      time.Duration
	retryAfter time.Duration
	metrics    metrics
	gated      atomic.Pointer[map[order.SKU]struct{}]
}

// New makes a Gate that knows of no gates until Run has looked, and registers its
// figures with reg.
func New(gates *stockgate.Gates, cfg Config, reg prometheus.Registerer) (*Gate, error) {
	g := &Gate{
		gates: gates, every: cmp.Or(cfg.Every, time.Second), retryAfter: cmp.Or(cfg.RetryAfter, 2*time.Second), metrics: newMetrics(),
		remote: remote.New(remote.Config{
			Timeout: cfg.Timeout, RetryPause: cfg.RetryPause, Log: cfg.Log,
			Begun: "the stock gates are not asked: every order is taken", Ended: "the stock gates are asked again",
		}),
	}
	g.gated.Store(&map[order.SKU]struct{}{})
	return g, g.metrics.register(reg)
}

// Run keeps up with which SKUs have a gate, until ctx ends, and returns nil.
func (g *Gate) Run(ctx context.Context) error {
	tick := time.NewTicker(g.every)
	defer tick.Stop()
	for {
		g.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look learns which SKUs have a gate. What it knew stays when Redis is away: old
// gates let everybody pass by themselves.
func (g *Gate) look(ctx context.Context) {
	var skus []string
	err := g.remote.Ask(ctx, func(ctx context.Context) (err error) {
		skus, err = g.gates.Open(ctx)
		return err
	})
	if err != nil {
		return
	}
	gated := make(map[order.SKU]struct{}, len(skus))
	for _, sku := range skus {
		gated[order.SKU(sku)] = struct{}{}
	}
	g.gated.Store(&gated)
	g.metrics.gates.Set(float64(len(gated)))
}

// Admit implements order.Gate. It blocks for one round trip, Config.Timeout at
// most, and neither in an outage nor when no item has a gate.
func (g *Gate) Admit(ctx context.Context, asks []order.Ask) []order.Admission {
	admissions := make([]order.Admission, len(asks))
	places, gated := g.atGates(asks)
	if len(gated) == 0 {
		return admissions
	}
	var answers []stockgate.Answer
	err := g.remote.Ask(ctx, func(ctx context.Context) (err error) {
		answers, err = g.gates.Admit(ctx, gated)
		return err
	})
	if err != nil {
		g.metrics.failures.WithLabelValues("admit").Add(float64(len(gated)))
		return admissions
	}
	for i, a := range answers {
		admissions[places[i]] = g.admission(a)
	}
	return admissions
}

// Withdraw implements order.Gate. It blocks for one round trip, as Admit does;
// what is lost is held for stockgate.HoldFor.
func (g *Gate) Withdraw(ctx context.Context, asks []order.Ask) {
	held := make([]stockgate.Ask, len(asks))
	for i, a := range asks {
		held[i] = askFrom(a)
	}
	err := g.remote.Ask(ctx, func(ctx context.Context) error { return g.gates.Withdraw(ctx, held) })
	if err != nil {
		g.metrics.failures.WithLabelValues("withdraw").Add(float64(len(asks)))
	}
}

// atGates are the asks with an item that has a gate, and their places among all.
func (g *Gate) atGates(asks []order.Ask) (places []int, gated []stockgate.Ask) {
	gates := *g.gated.Load()
	if len(gates) == 0 {
		return nil, nil
	}
	for i, a := range asks {
		has := func(it order.Item) bool { _, ok := gates[it.SKU]; return ok }
		if slices.ContainsFunc(a.Items, has) {
			places, gated = append(places, i), append(gated, askFrom(a))
		}
	}
	return places, gated
}

// askFrom keeps every item, with a gate or not, so that lines count as items do.
func askFrom(a order.Ask) stockgate.Ask {
	lines := make([]stockgate.Line, len(a.Items))
	for i, it := range a.Items {
		lines[i] = stockgate.Line{SKU: string(it.SKU), Units: it.Quantity}
	}
	return stockgate.Ask{User: int64(a.Key.User), Key: a.Key.Key, Order: int64(a.Order), Lines: lines}
}

func (g *Gate) admission(a stockgate.Answer) order.Admission {
	switch a.Verdict {
	case stockgate.Held:
		return order.Admission{Held: true}
	case stockgate.Wait:
		g.metrics.refused.WithLabelValues(contracts.CodeWaitingRoom).Inc()
		return order.Admission{Short: true, Item: a.Line, RetryAfter: g.retryAfter}
	case stockgate.SoldOut:
		g.metrics.refused.WithLabelValues(contracts.CodeOutOfStock).Inc()
		return order.Admission{Short: true, Item: a.Line}
	}
	return order.Admission{}
}
