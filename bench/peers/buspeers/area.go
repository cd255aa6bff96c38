// Package buspeers compares souk's broadcasts with a plain subscription of
// go-redis, which is what the alternative to them is.
package buspeers

import (
	"context"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// Area is the comparison of pkg/pubsub.
func Area() compare.Area {
	return compare.Area{
		Name: "pubsub", Package: "pkg/pubsub",
		Behaviours: []compare.Behaviour{
			behaviour("the subscriber's connection turns into a black hole: of 5 s of broadcasts, 100 a second", swallow),
			behaviour("the subscriber is cut off for 1 s: of 5 s of broadcasts, 100 a second", cutOff),
			behaviour("the subscriber is cut off for 1 s while Redis is replaced by an empty one: of 5 s of broadcasts, 100 a second", replace),
		},
		Figures: figures(),
	}
}

// fault breaks the subscriber's connection, which goes through the proxy.
type fault func(ctx context.Context, p *engine.Proxy, r *engine.Redis) error

func swallow(_ context.Context, p *engine.Proxy, _ *engine.Redis) error {
	p.Swallow()
	return nil
}

func cutOff(_ context.Context, p *engine.Proxy, _ *engine.Redis) error {
	p.Refuse(time.Second)
	return nil
}

func replace(ctx context.Context, p *engine.Proxy, r *engine.Redis) error {
	p.Refuse(time.Second)
	return r.Replace(ctx)
}

func behaviour(what string, f fault) compare.Behaviour {
	return compare.Behaviour{
		What: what,
		Peers: []compare.Probe{{Name: "go-redis PubSub.Channel()", Known: true, Run: func(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
			return broken(ctx, r, plain, f)
		}}},
		Ours: compare.Probe{Name: "souk", Run: func(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
			return broken(ctx, r, souk, f)
		}},
	}
}
