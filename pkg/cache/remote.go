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

// remote is L2: the keys of one cache in Redis.
type remote struct {
	rdb     *redisclient.Client
	scripts redisclient.Scripts
	prefix  string
	pause   time.Duration
	start   time.Time
	downTo  atomic.Int64 // ns since start until which Redis is left alone
}

func newRemote(rdb *redisclient.Client, name string, cfg Config) (*remote, error) {
	scripts, err := redisclient.LoadScripts(scriptFiles)
	if err != nil {
		return nil, err
	}
	return &remote{rdb: rdb, scripts: scripts, prefix: cfg.Prefix + name + ":", pause: cfg.RetryAfter, start: time.Now()}, nil
}

// away reports that Redis failed a moment ago.
func (r *remote) away() bool { return int64(time.Since(r.start)) < r.downTo.Load() }

// heed remembers a failure of Redis. A caller that gave up is no failure.
func (r *remote) heed(ctx context.Context, err error) error {
	if err != nil && redisclient.Ended(ctx) == nil {
		r.downTo.Store(int64(time.Since(r.start) + r.pause))
	}
	return err
}

// get returns what the key holds, or "" when it is absent.
func (r *remote) get(ctx context.Context, key string) (string, error) {
	held, err := r.rdb.Read().Get(ctx, r.prefix+key).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return held, r.heed(ctx, err)
}

// acquire returns what the key holds or, when it was absent or empty, a lease
// on it.
func (r *remote) acquire(ctx context.Context, key string, life time.Duration) (held string, l lease, err error) {
	l = lease(rand.Text())
	held, err = r.scripts.Run(ctx, r.rdb.Write(), "lease", []string{r.prefix + key}, l.placeholder(), millis(life)).Text()
	if errors.Is(err, redis.Nil) {
		return "", l, nil
	}
	return held, "", r.heed(ctx, err)
}

// fill stores the envelope if the lease still stands.
func (r *remote) fill(ctx context.Context, key string, l lease, envelope []byte, ttl time.Duration) (bool, error) {
	n, err := r.scripts.Run(ctx, r.rdb.Write(), "fill", []string{r.prefix + key}, l.placeholder(), envelope, millis(ttl)).Int()
	return n == 1, r.heed(ctx, err)
}

// forfeit gives the lease back.
func (r *remote) forfeit(ctx context.Context, key string, l lease) error {
	return r.heed(ctx, r.scripts.Run(ctx, r.rdb.Write(), "forfeit", []string{r.prefix + key}, l.placeholder()).Err())
}

func (r *remote) set(ctx context.Context, key string, envelope []byte, ttl time.Duration) error {
	return r.heed(ctx, r.rdb.Write().Set(ctx, r.prefix+key, envelope, ttl).Err())
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
		return fmt.Errorf("invalidate in redis: %w", r.heed(ctx, err))
	}
	return nil
}

func millis(d time.Duration) int64 { return max(1, d.Milliseconds()) }
