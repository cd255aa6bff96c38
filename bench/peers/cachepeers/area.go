package cachepeers

import "souk.example/bench/peers/compare"

// Area is the comparison of pkg/cache.
func Area() compare.Area {
	return compare.Area{
		Name: "cache", Package: "pkg/cache",
		Behaviours: []compare.Behaviour{
			compare.Across("a slow load ends after its source was written and the key invalidated: what later readers get",
				staleSet, sides(libs{goredisCache, goredisCacheLocal, gozero, eko}, libs{rocks, aside})),
			compare.Across("the first of ten readers gives up while it loads: what the nine get",
				cancelledLeader, sides(libs{goredisCache, gozero, eko, rocks}, libs{aside})),
			compare.Across("a cold key wanted by eight processes at once: loads",
				coldKey, sides(libs{goredisCache, gozero, eko}, libs{rocks, aside})),
			compare.Across("Redis down, 100 readers of 100 cold keys: loads at a time",
				downCold, sides(libs{goredisCache, goredisCacheLocal, eko}, libs{gozero, rocks, aside})),
			compare.Across("Redis falls silent (SIGSTOP), 100 readers of 100 cold keys without a deadline: the last has waited",
				downSilent, sides(libs{goredisCache, goredisCacheLocal, eko}, libs{gozero, rocks, aside})),
			compare.Across("Redis down, a key this process has read before: its readers",
				downWarm, sides(libs{goredisCache, gozero, eko, rocks, aside}, libs{goredisCacheLocal})),
			compare.Across("the connection is cut while another process invalidates a key held in memory",
				lostByCut, sides(libs{goredisCacheLocal}, libs{aside})),
			compare.Across("the connection turns into a black hole while another process invalidates a key held in memory",
				lostInHole, sides(libs{goredisCacheLocal}, libs{aside})),
			fillsBroadcast(),
		},
		Figures: figures(),
	}
}

type libs = []library

func sides(known, others libs) compare.Sides[library] {
	return compare.Sides[library]{Ours: souk, Known: known, Others: others}
}
