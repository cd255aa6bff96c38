package limitpeers

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"github.com/throttled/throttled/v2"
	"github.com/throttled/throttled/v2/store/goredisstore.v9"
	"github.com/zeromicro/go-zero/core/limit"
	zredis "github.com/zeromicro/go-zero/core/stores/redis"

	"souk.example/bench/peers/engine"
	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient"
)

// limiter is what all of them can do: decide on one event of a key.
type limiter interface {
	allow(ctx context.Context, key string) (bool, error)
	close()
}

// library opens a limiter of so many events a second and so many at once.
type library struct {
	name string
	open func(ctx context.Context, addr string, rate, burst int) (limiter, error)
}

// Label implements compare.Library.
func (l library) Label() string { return l.name }

// second is the period of every limit here.
const second = time.Second

type soukLimiter struct {
	*ratelimit.Limiter
	rdb *redisclient.Client
}

var (
	souk     = soukWith("souk", ratelimit.TokenBucket)
	soukGCRA = soukWith("souk, GCRA", ratelimit.GCRA)
)

func soukWith(name string, algorithm ratelimit.Algorithm) library {
	return library{name, func(ctx context.Context, addr string, rate, burst int) (limiter, error) {
		rdb, err := engine.Souk(ctx, addr)
		if err != nil {
			return nil, err
		}
		l, err := ratelimit.New(rdb, ratelimit.Config{
			Name: "peers", Algorithm: algorithm, Limit: ratelimit.PerSecond(int64(rate), int64(burst)),
		})
		return soukLimiter{l, rdb}, err
	}}
}

func (l soukLimiter) allow(ctx context.Context, key string) (bool, error) {
	r, err := l.Allow(ctx, key)
	return r.Allowed, err
}

func (l soukLimiter) close() { _ = l.rdb.Close() }

type redisRateLimiter struct {
	limiter *redis_rate.Limiter
	limit   redis_rate.Limit
	rdb     *redis.Client
}

var redisRate = library{"redis_rate", func(_ context.Context, addr string, rate, burst int) (limiter, error) {
	return openRedisRate(addr, rate, burst), nil
}}

func openRedisRate(addr string, rate, burst int) redisRateLimiter {
	rdb := engine.Plain(addr)
	return redisRateLimiter{redis_rate.NewLimiter(rdb), redis_rate.Limit{Rate: rate, Burst: burst, Period: second}, rdb}
}

func (l redisRateLimiter) allow(ctx context.Context, key string) (bool, error) {
	r, err := l.limiter.Allow(ctx, key, l.limit)
	return err == nil && r.Allowed > 0, err
}

func (l redisRateLimiter) close() { _ = l.rdb.Close() }

type throttledLimiter struct {
	limiter *throttled.GCRARateLimiterCtx
	rdb     *redis.Client
}

var throttle = library{"throttled", func(_ context.Context, addr string, rate, burst int) (limiter, error) {
	rdb := engine.Plain(addr)
	store, err := goredisstore.NewCtx(rdb, "throttled:")
	if err != nil {
		return nil, err
	}
	// Its burst is what may come beyond the first event.
	l, err := throttled.NewGCRARateLimiterCtx(store, throttled.RateQuota{MaxRate: throttled.PerDuration(rate, second), MaxBurst: burst - 1})
	return throttledLimiter{l, rdb}, err
}}

func (l throttledLimiter) allow(ctx context.Context, key string) (bool, error) {
	limited, _, err := l.limiter.RateLimitCtx(ctx, key, 1)
	return !limited, err
}

func (l throttledLimiter) close() { _ = l.rdb.Close() }

// gozeroLimiter is for one key, which it is made with.
type gozeroLimiter struct{ limiter *limit.TokenLimiter }

var gozero = library{"go-zero token limiter", func(_ context.Context, addr string, rate, burst int) (limiter, error) {
	rdb, err := zredis.NewRedis(zredis.RedisConf{Host: addr, Type: zredis.NodeType})
	if err != nil {
		return nil, err
	}
	return gozeroLimiter{limit.NewTokenLimiter(rate, burst, rdb, "peers")}, nil
}}

func (l gozeroLimiter) allow(ctx context.Context, _ string) (bool, error) {
	return l.limiter.AllowCtx(ctx), nil
}

// close leaves the connections: go-zero keeps them for the life of the process.
func (l gozeroLimiter) close() {}
