package lockpeers

import (
	"time"

	"souk.example/bench/peers/compare"
)

// ttl is how long locks live in the probes that outlast it.
const ttl = 600 * time.Millisecond

// Area is the comparison of pkg/redlock.
func Area() compare.Area {
	both := compare.Sides[library]{Ours: souk, Known: []library{redsyncs, bsm}}
	return compare.Area{
		Name: "redlock", Package: "pkg/redlock",
		Behaviours: []compare.Behaviour{
			compare.Across("a holder is stopped (SIGSTOP) past its TTL, another takes over and writes, the first wakes and writes",
				pausedHolder, both),
			compare.Across("the work takes three TTLs: a second holder",
				longWork, both),
			compare.Across("Redis loses its memory and another takes the lock: the holder learns of it",
				stolen, both),
			compare.Across("16 callers of one process wait 1 s for a held lock: requests to Redis",
				waiters, both),
			compare.Across("a caller waits for a held lock with a deadline of 300 ms: the error",
				waitError, compare.Sides[library]{Ours: souk, Known: []library{redsyncs}, Others: []library{bsm}}),
		},
		Figures: figures(),
	}
}
