package cachepeers

import (
	"context"
	"encoding/json"
	"time"

	"github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"

	"souk.example/bench/peers/engine"
)

// goredisStore is go-redis/cache. Its values are encoded as JSON like
// everybody's here; msgpack is its default.
type goredisStore struct {
	cache *cache.Cache
	rdb   *redis.Client
}

var (
	goredisCache = library{"go-redis/cache", func(_ context.Context, addr string) (store, error) {
		return openGoredis(addr, nil), nil
	}}
	goredisCacheLocal = library{"go-redis/cache + TinyLFU", func(_ context.Context, addr string) (store, error) {
		return openGoredis(addr, cache.NewTinyLFU(10_000, time.Minute)), nil
	}}
)

func openGoredis(addr string, local cache.LocalCache) *goredisStore {
	rdb := engine.Plain(addr)
	opts := &cache.Options{Redis: rdb, Marshal: json.Marshal, Unmarshal: json.Unmarshal}
	if local != nil {
		opts.LocalCache = local
	}
	return &goredisStore{cache: cache.New(opts), rdb: rdb}
}

func (s *goredisStore) get(ctx context.Context, key string, load loader) (p product, err error) {
	err = s.cache.Once(&cache.Item{
		Ctx: ctx, Key: key, TTL: ttl, Value: &p,
		Do: func(item *cache.Item) (any, error) { return load(item.Context()) },
	})
	return p, err
}

func (s *goredisStore) drop(ctx context.Context, key string) error { return s.cache.Delete(ctx, key) }
func (s *goredisStore) close()                                     { _ = s.rdb.Close() }
