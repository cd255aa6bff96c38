package lockpeers

import (
	"context"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// ttl is how long locks live in the probes.
const ttl = 600 * time.Millisecond

// Area is the comparison of pkg/redlock.
func Area() compare.Area {
	return compare.Area{
		Name: "redlock", Package: "pkg/redlock",
		Behaviours: []compare.Behaviour{
			behaviour("a holder is stopped (SIGSTOP) past its TTL, another takes over and writes, the first wakes and writes",
				pausedHolder, true, true),
			behaviour("the work takes three TTLs: a second holder",
				longWork, true, true),
			behaviour("Redis loses its memory and another takes the lock: the holder learns of it",
				stolen, true, true),
			behaviour("16 callers of one process wait 1 s for a held lock: requests to Redis",
				waiters, true, true),
			behaviour("a caller waits for a held lock with a deadline of 300 ms: the error",
				waitError, true, false),
		},
		Figures: figures(),
	}
}

type fault func(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error)

// behaviour compares all three; the flags say whether redsync and bsm are
// known to have the hole.
func behaviour(what string, f fault, redsyncHas, bsmHas bool) compare.Behaviour {
	probe := func(lib library, known bool) compare.Probe {
		return compare.Probe{Name: lib.name, Known: known, Run: func(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
			return f(ctx, r, lib)
		}}
	}
	return compare.Behaviour{
		What:  what,
		Peers: []compare.Probe{probe(redsyncs, redsyncHas), probe(bsm, bsmHas)},
		Ours:  probe(souk, false),
	}
}
