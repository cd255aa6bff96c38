// Package clientpeers compares souk's Redis client with go-redis as most open
// it, and with rueidis.
package clientpeers

import (
	"context"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// Area is the comparison of pkg/redisclient.
func Area() compare.Area {
	return compare.Area{
		Name: "redisclient", Package: "pkg/redisclient",
		Behaviours: []compare.Behaviour{
			{
				What:  "the reply to DECRBY 1 on a stock of 10 is lost: the stock",
				Peers: []compare.Probe{{Name: "go-redis, defaults", Known: true, Run: doubleApplyPlain}, {Name: "rueidis, defaults", Run: doubleApplyRueidis}},
				Ours:  compare.Probe{Name: "souk Write()", Run: doubleApplySouk},
			},
			{
				What:  "a GET with a deadline of 100 ms on a connection that is a black hole: returns after",
				Peers: []compare.Probe{{Name: "go-redis, defaults", Known: true, Run: deadlinePlain}, {Name: "rueidis, defaults", Run: deadlineRueidis}},
				Ours:  compare.Probe{Name: "souk Read()", Run: deadlineSouk},
			},
			{
				What:  "Redis down: a GET fails after",
				Peers: []compare.Probe{{Name: "go-redis, defaults", Known: true, Run: downPlain}},
				Ours:  compare.Probe{Name: "souk Read()", Run: downSouk},
			},
		},
		Figures: figures(),
	}
}

// command is one command of a client that is already connected; it returns
// when the client does.
type command func(ctx context.Context) error

func plain(addr string) (*redis.Client, error) {
	rdb := engine.Plain(addr)
	return rdb, rdb.Ping(context.Background()).Err()
}

func openRueidis(addr string) (rueidis.Client, error) {
	return rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}})
}

// openRueidisOnce has one connection only: with the default of four, the next
// command may well open another, which no fault has met.
func openRueidisOnce(addr string) (rueidis.Client, error) {
	return rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, PipelineMultiplex: -1})
}
