package cachepeers

import (
	"context"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// Area is the comparison of pkg/cache.
func Area() compare.Area {
	return compare.Area{
		Name: "cache", Package: "pkg/cache",
		Behaviours: []compare.Behaviour{
			behaviour("a slow load ends after its source was written and the key invalidated: what later readers get",
				staleSet, goredisCache, goredisCacheLocal, gozero, eko, not(rocks), not(aside)),
			behaviour("the first of ten readers gives up while it loads: what the nine get",
				cancelledLeader, goredisCache, gozero, eko, rocks, not(aside)),
			behaviour("a cold key wanted by eight processes at once: loads",
				coldKey, goredisCache, gozero, eko, not(rocks), not(aside)),
			behaviour("Redis down, 100 readers of 100 cold keys: loads at a time",
				downCold, goredisCache, goredisCacheLocal, eko, not(gozero), not(rocks), not(aside)),
			behaviour("Redis down, a key this process has read before: its readers",
				downWarm, goredisCache, gozero, eko, rocks, not(goredisCacheLocal), aside),
			behaviour("the connection is cut while another process invalidates a key held in memory",
				lostByCut, goredisCacheLocal, not(aside)),
			behaviour("the connection turns into a black hole while another process invalidates a key held in memory",
				lostInHole, goredisCacheLocal, not(aside)),
			fillsBroadcast(),
		},
		Figures: figures(),
	}
}

// peer is a library and whether it is known to have the hole in question.
type peer interface{ spread() (library, bool) }

func (l library) spread() (library, bool) { return l, true }

// not marks a library that is not known to have the hole.
type not library

func (n not) spread() (library, bool) { return library(n), false }

type fault func(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error)

func behaviour(what string, f fault, peers ...peer) compare.Behaviour {
	b := compare.Behaviour{What: what, Ours: probe(f, souk, false)}
	for _, p := range peers {
		lib, known := p.spread()
		b.Peers = append(b.Peers, probe(f, lib, known))
	}
	return b
}

func probe(f fault, lib library, known bool) compare.Probe {
	return compare.Probe{Name: lib.name, Known: known, Run: func(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
		return f(ctx, r, lib)
	}}
}
