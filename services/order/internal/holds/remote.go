package holds

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
	"souk.example/services/order/internal/order"
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

// remote is the Redis that counts, and whether it may be asked.
type remote struct {
	rdb     *redisclient.Client
	timeout time.Duration
	pause   time.Duration
	start   time.Time
	retryAt atomic.Int64 // ns since start; in the future in an outage
	outage  redisclient.Outage
}

func newRemote(rdb *redisclient.Client, cfg Config) *remote {
	return &remote{
		rdb: rdb, timeout: cfg.Timeout, pause: cfg.RetryPause, start: time.Now(),
		outage: redisclient.Outage{Log: cfg.Log, Begun: "open orders are not counted: everybody may place them", Ended: "open orders are counted again"},
	}
}

var errAway = errors.New("redis failed a moment ago")

// pipeline sends what fill fills in, in one round trip; in a cluster, in one to
// each node. Each command has its own outcome; the error is the first of them.
// In an outage nothing is filled in, and errAway the error.
func (r *remote) pipeline(ctx context.Context, fill func(redis.Pipeliner)) error {
	return r.ask(ctx, func(ctx context.Context) error {
		_, err := r.rdb.Write().Pipelined(ctx, func(p redis.Pipeliner) error { fill(p); return nil })
		return err
	})
}

// load has every node know a script: after its start it knows none.
func (r *remote) load(ctx context.Context, s *redis.Script) error {
	return r.ask(ctx, func(ctx context.Context) error { return s.Load(ctx, r.rdb.Write()).Err() })
}

// ask asks unless Redis has failed to answer a moment ago, so that one caller
// waits for it and not all. A Redis that answers, if only that it is full or
// loading, costs nobody a wait.
func (r *remote) ask(ctx context.Context, do func(context.Context) error) error {
	if int64(time.Since(r.start)) < r.retryAt.Load() {
		return errAway
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	err := do(ctx)
	if _, answered := errors.AsType[redis.Error](err); err != nil && !answered {
		r.retryAt.Store(int64(time.Since(r.start) + r.pause))
	}
	if !redis.HasErrorPrefix(err, "NOSCRIPT") {
		r.outage.Note(ctx, err)
	}
	return err
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
