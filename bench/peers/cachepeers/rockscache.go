package cachepeers

import (
	"context"

	"github.com/dtm-labs/rockscache"
	"github.com/redis/go-redis/v9"

	"souk.example/bench/peers/engine"
)

type rocksStore struct {
	client *rockscache.Client
	rdb    *redis.Client
}

var rocks = library{"rockscache", func(_ context.Context, addr string) (store, error) {
	rdb := engine.Plain(addr)
	return rocksStore{rockscache.NewClient(rdb, rockscache.NewDefaultOptions()), rdb}, nil
}}

func (s rocksStore) get(ctx context.Context, key string, load loader) (product, error) {
	return decode(s.client.Fetch2(ctx, key, ttl, func() (string, error) { return encode(load(ctx)) }))
}

func (s rocksStore) drop(ctx context.Context, key string) error {
	return s.client.TagAsDeleted2(ctx, key)
}
func (s rocksStore) close() { _ = s.rdb.Close() }
