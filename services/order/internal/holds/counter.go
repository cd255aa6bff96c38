package holds

import (
	"context"
	"crypto/sha256"
	"strconv"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/remote"
)

// nameOf is the key of a user's slots in Redis.
func nameOf(u order.UserID) string {
	return "souk:order:open:{" + strconv.FormatInt(int64(u), 10) + "}"
}

// digest stands for a key, short whatever its client chose, among its user's.
func digest(k order.Key) []byte {
	sum := sha256.Sum256([]byte(k.Key))
	return sum[:16]
}

// counter is the Redis that counts.
type counter struct {
	rdb *redisclient.Client
	*remote.Redis
}

func newCounter(rdb *redisclient.Client, cfg Config) counter {
	return counter{rdb: rdb, Redis: remote.New(remote.Config{
		Timeout: cfg.Timeout, RetryPause: cfg.RetryPause, Log: cfg.Log,
		Begun: "open orders are not counted: everybody may place them", Ended: "open orders are counted again",
	})}
}

// pipeline sends what fill fills in, in one round trip; in a cluster, in one to
// each node. Each command has its own outcome; the error is the first of them.
// In an outage nothing is filled in, and remote.ErrAway the error.
func (c counter) pipeline(ctx context.Context, fill func(redis.Pipeliner)) error {
	return c.Ask(ctx, func(ctx context.Context) error {
		_, err := c.rdb.Write().Pipelined(ctx, func(p redis.Pipeliner) error { fill(p); return nil })
		return err
	})
}

// load has every node know a script: after its start it knows none.
func (c counter) load(ctx context.Context, s *redis.Script) error {
	return c.Ask(ctx, func(ctx context.Context) error { return s.Load(ctx, c.rdb.Write()).Err() })
}

// failed counts the commands that failed, or were never sent.
func failed[C interface {
	comparable
	redis.Cmder
}](cmds []C) (n float64) {
	var never C
	for _, c := range cmds {
		if c == never || c.Err() != nil {
			n++
		}
	}
	return n
}
