// Package idpeers compares souk's ids with bwmarrin/snowflake, sony/sonyflake
// and google/uuid.
package idpeers

import "souk.example/bench/peers/compare"

// Area is the comparison of pkg/idgen.
func Area() compare.Area {
	return compare.Area{
		Name: "idgen", Package: "pkg/idgen",
		Behaviours: []compare.Behaviour{
			{
				What: "the clock is set back 5 ms across a restart: ids issued twice",
				Peers: []compare.Probe{
					{Name: "bwmarrin/snowflake", Known: true, Run: bwmarrinStep},
					{Name: "sony/sonyflake", Run: sonyflakeStep},
				},
				Ours: compare.Probe{Name: "souk", Run: soukStep},
			},
			{
				What: "two processes start with the same configuration: ids issued twice",
				Peers: []compare.Probe{
					{Name: "bwmarrin/snowflake", Known: true, Run: bwmarrinTwins},
					{Name: "sony/sonyflake", Known: true, Run: sonyflakeTwins},
				},
				Ours: compare.Probe{Name: "souk", Run: soukTwins},
			},
			{
				What: "10,000 ids at once: how long the last caller waits",
				Peers: []compare.Probe{
					{Name: "sony/sonyflake", Known: true, Run: sonyflakeBurst},
					{Name: "bwmarrin/snowflake", Run: bwmarrinBurst},
				},
				Ours: compare.Probe{Name: "souk", Run: soukBurst},
			},
		},
		Figures: figures(),
	}
}
