package cachepeers

import (
	"context"

	"github.com/eko/gocache/lib/v4/cache"
	gostore "github.com/eko/gocache/lib/v4/store"
	redisstore "github.com/eko/gocache/store/redis/v4"
	"github.com/redis/go-redis/v9"

	"souk.example/bench/peers/engine"
)

// ekoStore is eko/gocache's loadable cache over its Redis store. It has one
// loader for all keys, so the caller's travels in the context.
type ekoStore struct {
	cache *cache.LoadableCache[string]
	rdb   *redis.Client
}

type loaderKey struct{}

var eko = library{"eko/gocache", func(_ context.Context, addr string) (store, error) {
	rdb := engine.Plain(addr)
	load := func(ctx context.Context, _ any) (string, []gostore.Option, error) {
		data, err := encode(ctx.Value(loaderKey{}).(loader)(ctx))
		return data, []gostore.Option{gostore.WithExpiration(ttl)}, err
	}
	return ekoStore{cache.NewLoadable(load, cache.New[string](redisstore.NewRedis(rdb))), rdb}, nil
}}

func (s ekoStore) get(ctx context.Context, key string, load loader) (product, error) {
	return decode(s.cache.Get(context.WithValue(ctx, loaderKey{}, load), key))
}

func (s ekoStore) drop(ctx context.Context, key string) error { return s.cache.Delete(ctx, key) }

func (s ekoStore) close() {
	_ = s.cache.Close()
	_ = s.rdb.Close()
}
