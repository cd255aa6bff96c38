package cachepeers

import (
	"context"
	"errors"

	"github.com/zeromicro/go-zero/core/stores/cache"
	"github.com/zeromicro/go-zero/core/stores/redis"
	"github.com/zeromicro/go-zero/core/syncx"
)

type gozeroStore struct{ cache cache.Cache }

var (
	errNotFound = errors.New("not found")

	gozero = library{"go-zero cache", func(_ context.Context, addr string) (store, error) {
		rdb, err := redis.NewRedis(redis.RedisConf{Host: addr, Type: redis.NodeType})
		if err != nil {
			return nil, err
		}
		node := cache.NewNode(rdb, syncx.NewSingleFlight(), cache.NewStat("peers"), errNotFound, cache.WithExpiry(ttl))
		return gozeroStore{node}, nil
	}}
)

func (s gozeroStore) get(ctx context.Context, key string, load loader) (p product, err error) {
	err = s.cache.TakeCtx(ctx, &p, key, func(v any) error {
		loaded, err := load(ctx)
		*v.(*product) = loaded
		return err
	})
	return p, err
}

func (s gozeroStore) drop(ctx context.Context, key string) error { return s.cache.DelCtx(ctx, key) }

// close leaves the connections: go-zero keeps them for the life of the process.
func (s gozeroStore) close() {}
