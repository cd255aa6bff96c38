// Package limitpeers compares souk's rate limiter with go-redis/redis_rate,
// throttled and go-zero's token limiter.
package limitpeers

import "souk.example/bench/peers/compare"

// Area is the comparison of pkg/ratelimit.
func Area() compare.Area {
	return compare.Area{
		Name: "ratelimit", Package: "pkg/ratelimit",
		Behaviours: []compare.Behaviour{
			{
				What:  "as many as fit, asked for every 170 ms for 2 s, at 10 a second and a burst of 10: allowed",
				Peers: []compare.Probe{{Name: "redis_rate AllowAtMost", Known: true, Run: driftOfAtMost}},
				Ours:  compare.Probe{Name: souk.name, Run: driftOfSouk},
			},
			compare.Across("100 a second and a burst of 100, hammered across a full second: allowed, against burst + rate × time",
				overAdmission, sides(libs{gozero}, libs{redisRate, throttle})),
			compare.Across("64 callers of one key: decisions that are errors",
				contention, sides(libs{throttle}, libs{redisRate, gozero})),
			compare.Across("Redis down: decisions that are errors, and time per decision",
				down, sides(libs{redisRate, throttle}, libs{gozero})),
		},
		Figures: figures(),
	}
}

type libs = []library

func sides(known, others libs) compare.Sides[library] {
	return compare.Sides[library]{Ours: souk, Known: known, Others: others}
}
