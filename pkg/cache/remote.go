package cache

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
)

//go:embed *.lua
var scriptFiles embed.FS

// errAway says that Redis failed a moment ago and was not asked.
var errAway = errors.New("cache: redis is left alone")

// remote is L2: the keys of one cache in Redis.
type remote struct {
	rdb     *redisclient.Client
	scripts redisclient.Scripts
	prefix  string // of entries
	claims  string // of the claims on refreshing them
	health  *health
	asking  atomic.Int64 // lookups under way
}

func newRemote(rdb *redisclient.Client, name string, cfg Config) (*remote, error) {
	scripts, err := redisclient.LoadScripts(scriptFiles)
	if err != nil {
		return nil, err
	}
	base := cfg.Prefix + name
	return &remote{rdb: rdb, scripts: scripts, prefix: base + ":", claims: base + "~", health: newHealth(cfg)}, nil
}

// crowd is the number of lookups under way from which they share pipelines:
// alone a pipeline takes twice as long as a plain GET, and 64 callers get
// their answers almost twice as fast.
const crowd = 8

// get returns what the key holds, nothing when it is absent. It takes no longer
// than redisclient.Config.IOTimeout.
func (r *remote) get(ctx context.Context, key string) (held []byte, err error) {
	if r.asking.Add(1) > crowd {
		held, err = r.rdb.Hot().Get(ctx, r.prefix+key)
	} else {
		held, err = r.rdb.Read().Get(r.rdb.Bound(ctx), r.prefix+key).Bytes()
	}
	r.asking.Add(-1)
	return held, r.health.heed(ctx, err)
}

// lease is what acquire found at a key: something, nothing and so now our
// token, or no way to tell.
type lease struct {
	held  []byte
	token string
	err   error
}

// acquire takes the lease on each key that is absent or empty.
func (r *remote) acquire(ctx context.Context, keys []string, life time.Duration) []lease {
	leases := make([]lease, len(keys))
	if !r.health.ask() {
		for i := range leases {
			leases[i].err = errAway
		}
		return leases
	}
	calls := make([]call, len(keys))
	for i, key := range keys {
		leases[i].token = rand.Text()
		calls[i] = call{r.prefix + key, []any{placeholder(leases[i].token), millis(life)}}
	}
	for i, cmd := range r.run(ctx, "lease", calls) {
		held, err := cmd.Text()
		if absent := errors.Is(err, redis.Nil); r.health.heed(ctx, err) != nil || !absent {
			leases[i] = lease{held: []byte(held), err: err}
		}
	}
	return leases
}

// seize takes the lease on each key that still has its mark. A key that has
// not has neither a token nor an error. Loads begin after this, so it does not
// matter whether what stood there is the same or the same again.
func (r *remote) seize(ctx context.Context, puts []put, life time.Duration) []lease {
	leases := make([]lease, len(puts))
	for i := range puts {
		leases[i].token = rand.Text()
		puts[i].envelope, puts[i].hard = []byte(placeholder(leases[i].token)), time.Now().Add(life).UnixMilli()
	}
	for i, done := range r.fill(ctx, puts) {
		if !done.filled {
			leases[i] = lease{err: done.err}
		}
	}
	return leases
}

// put is content for a key that must still begin with mark.
type put struct {
	key, mark string
	envelope  []byte
	hard      int64 // Unix ms
}

type filled struct {
	filled bool
	err    error
}

// fill stores each envelope whose mark still stands.
func (r *remote) fill(ctx context.Context, puts []put) []filled {
	calls := make([]call, len(puts))
	for i, p := range puts {
		calls[i] = call{r.prefix + p.key, []any{p.mark, p.envelope, until(p.hard)}}
	}
	results := make([]filled, len(puts))
	for i, cmd := range r.run(ctx, "fill", calls) {
		n, err := cmd.Int()
		results[i] = filled{n == 1, r.health.heed(ctx, err)}
	}
	return results
}

// forfeit gives leases back.
func (r *remote) forfeit(ctx context.Context, keys, placeholders []string) error {
	calls := make([]call, len(keys))
	for i, key := range keys {
		calls[i] = call{r.prefix + key, []any{placeholders[i]}}
	}
	return r.forfeitAll(ctx, calls)
}

func (r *remote) forfeitAll(ctx context.Context, calls []call) error {
	var errs []error
	for _, cmd := range r.run(ctx, "forfeit", calls) {
		errs = append(errs, r.health.heed(ctx, cmd.Err()))
	}
	return errors.Join(errs...)
}

// claim takes the right to refresh each key for life; "" where another has it,
// or nobody knows.
func (r *remote) claim(ctx context.Context, keys []string, life time.Duration) (tokens []string) {
	tokens = make([]string, len(keys))
	cmds := make([]*redis.StatusCmd, len(keys))
	_, _ = r.rdb.Write().Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			tokens[i] = rand.Text()
			cmds[i] = p.SetArgs(ctx, r.claims+key, tokens[i], redis.SetArgs{Mode: "NX", TTL: life})
		}
		return nil
	}) // each command has its own error
	for i, cmd := range cmds {
		err := cmd.Err()
		if taken := errors.Is(err, redis.Nil); r.health.heed(ctx, err) != nil || taken {
			tokens[i] = ""
		}
	}
	return tokens
}

// release gives claims back.
func (r *remote) release(ctx context.Context, keys, tokens []string) error {
	calls := make([]call, len(keys))
	for i, key := range keys {
		calls[i] = call{r.claims + key, []any{tokens[i]}}
	}
	return r.forfeitAll(ctx, calls)
}

func (r *remote) set(ctx context.Context, key string, envelope []byte, hard int64) error {
	life := time.Duration(until(hard)) * time.Millisecond
	return r.health.heed(ctx, r.rdb.Write().Set(ctx, r.prefix+key, envelope, life).Err())
}

// remove deletes keys one command each, in one round trip: in a cluster they
// live on different nodes.
func (r *remote) remove(ctx context.Context, keys []string) error {
	_, err := r.rdb.Write().Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Del(ctx, r.prefix+key)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("invalidate in redis: %w", r.health.heed(ctx, err))
	}
	return nil
}

func millis(d time.Duration) int64 { return max(1, d.Milliseconds()) }

// until is the time to a Unix millisecond, in ms.
func until(at int64) int64 { return max(1, at-time.Now().UnixMilli()) }
