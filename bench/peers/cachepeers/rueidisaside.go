package cachepeers

import (
	"context"

	"github.com/redis/rueidis"
	"github.com/redis/rueidis/rueidisaside"
)

// asideStore is rueidisaside, whose L1 is Redis' client-side caching.
type asideStore struct{ client rueidisaside.CacheAsideClient }

var aside = library{"rueidisaside", func(_ context.Context, addr string) (store, error) {
	client, err := rueidisaside.NewClient(rueidisaside.ClientOption{
		ClientOption: rueidis.ClientOption{InitAddress: []string{addr}},
	})
	return asideStore{client}, err
}}

func (s asideStore) get(ctx context.Context, key string, load loader) (product, error) {
	return decode(s.client.Get(ctx, ttl, key, func(ctx context.Context, _ string) (string, error) {
		return encode(load(ctx))
	}))
}

func (s asideStore) drop(ctx context.Context, key string) error { return s.client.Del(ctx, key) }
func (s asideStore) close()                                     { s.client.Close() }
