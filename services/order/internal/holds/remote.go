package holds

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
	"souk.example/services/order/internal/order"
)

//go:embed *.lua
var luaFiles embed.FS

// call is one step on one user's slots: a script with its arguments, or, with
// none, the keys' removal.
type call struct {
	user    order.UserID
	places  []int // of the keys among those asked about
	digests []any
	script  string
	args    []any
	reply   *redis.Cmd
}

// byUser makes a call of each user's keys, in their order.
func byUser(keys []order.Key) []*call {
	var calls []*call
	of := make(map[order.UserID]*call, len(keys))
	for i, k := range keys {
		c := of[k.User]
		if c == nil {
			c = &call{user: k.User}
			of[k.User], calls = c, append(calls, c)
		}
		c.places, c.digests = append(c.places, i), append(c.digests, digest(k))
	}
	return calls
}

// digest stands for a key, short whatever its client chose, among its user's.
func digest(k order.Key) []byte {
	sum := sha256.Sum256([]byte(k.Key))
	return sum[:16]
}

// remote is the Redis that counts, and whether it may be asked.
type remote struct {
	rdb     *redisclient.Client
	scripts redisclient.Scripts
	timeout time.Duration
	pause   time.Duration
	start   time.Time
	retryAt atomic.Int64 // ns since start, in an outage
	outage  redisclient.Outage
}

func newRemote(rdb *redisclient.Client, cfg Config) (*remote, error) {
	scripts, err := redisclient.LoadScripts(luaFiles)
	return &remote{
		rdb: rdb, scripts: scripts, timeout: cfg.Timeout, pause: cfg.RetryPause, start: time.Now(),
		outage: redisclient.Outage{Log: cfg.Log, Begun: "open orders are not counted: everybody may place them", Ended: "open orders are counted again"},
	}, err
}

var errAway = errors.New("redis failed a moment ago")

// run carries the calls out in one round trip; in a cluster, in one to each
// node. Each has its own reply. A Redis that failed to answer is not asked for a
// pause, so that one caller waits for it and not all; one that answered, if only
// that it is full or loading, costs nobody a wait.
func (r *remote) run(ctx context.Context, calls []*call) {
	now := int64(time.Since(r.start))
	if now < r.retryAt.Load() {
		fail(calls, errAway)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	r.send(ctx, calls)
	if unknown := withoutScript(calls); len(unknown) > 0 {
		r.load(ctx)
		r.send(ctx, unknown)
	}
	err := firstError(calls)
	if _, answered := errors.AsType[redis.Error](err); err != nil && !answered {
		r.retryAt.Store(int64(time.Since(r.start) + r.pause))
	}
	r.outage.Note(ctx, err)
}

func (r *remote) send(ctx context.Context, calls []*call) {
	_, _ = r.rdb.Write().Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, c := range calls {
			key := fmt.Sprintf("souk:order:open:{%d}", c.user)
			if c.script == "" {
				c.reply = p.Do(ctx, append([]any{"zrem", key}, c.digests...)...)
				continue
			}
			c.reply = r.scripts[c.script].EvalSha(ctx, p, []string{key}, append(c.args, c.digests...)...)
		}
		return nil
	}) // each call has its own error
}

// load has every node know the scripts: after a start it knows none. What fails
// shows in the calls that need them.
func (r *remote) load(ctx context.Context) {
	for _, s := range r.scripts {
		_ = s.Load(ctx, r.rdb.Write()).Err()
	}
}

// withoutScript are the calls that had no effect, for want of their script.
func withoutScript(calls []*call) []*call {
	var unknown []*call
	for _, c := range calls {
		if redis.HasErrorPrefix(c.reply.Err(), "NOSCRIPT") {
			unknown = append(unknown, c)
		}
	}
	return unknown
}

func fail(calls []*call, err error) {
	for _, c := range calls {
		c.reply = &redis.Cmd{}
		c.reply.SetErr(err)
	}
}

func firstError(calls []*call) error {
	for _, c := range calls {
		if err := c.reply.Err(); err != nil {
			return err
		}
	}
	return nil
}
