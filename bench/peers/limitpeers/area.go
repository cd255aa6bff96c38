// Package limitpeers compares souk's rate limiter with go-redis/redis_rate,
// throttled and go-zero's token limiter.
package limitpeers

import (
	"context"
	"errors"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// limiter is what all of them can do: decide on one event of a key.
type limiter interface {
	allow(ctx context.Context, key string) (bool, error)
	close()
}

// library opens a limiter of so many events a second and so many at once.
type library struct {
	name string
	open func(ctx context.Context, addr string, rate, burst int) (limiter, error)
}

// Area is the comparison of pkg/ratelimit.
func Area() compare.Area {
	return compare.Area{
		Name: "ratelimit", Package: "pkg/ratelimit",
		Behaviours: []compare.Behaviour{
			{
				What: "as many as fit, asked for every 170 ms for 2 s, at 10 a second and a burst of 10: allowed",
				Peers: []compare.Probe{
					{Name: "redis_rate AllowAtMost", Known: true, Run: driftOfAtMost},
				},
				Ours: compare.Probe{Name: souk.name, Run: driftOfSouk},
			},
			behaviour("100 a second and a burst of 100, hammered across a full second: allowed, against burst + rate × time",
				overAdmission, peer{gozero, true}, peer{redisRate, false}, peer{throttle, false}),
			behaviour("64 callers of one key: decisions that are errors",
				contention, peer{throttle, true}, peer{redisRate, false}, peer{gozero, false}),
			behaviour("Redis down: decisions that are errors, and time per decision",
				down, peer{redisRate, true}, peer{throttle, true}, peer{gozero, false}),
		},
		Figures: figures(),
	}
}

type peer struct {
	library
	known bool
}

type fault func(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error)

func behaviour(what string, f fault, peers ...peer) compare.Behaviour {
	probe := func(lib library, known bool) compare.Probe {
		return compare.Probe{Name: lib.name, Known: known, Run: func(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
			return f(ctx, r, lib)
		}}
	}
	b := compare.Behaviour{What: what, Ours: probe(souk, false)}
	for _, p := range peers {
		b.Peers = append(b.Peers, probe(p.library, p.known))
	}
	return b
}

var errRefused = errors.New("refused, though under the limit")

// second is the period of every limit here.
const second = time.Second
