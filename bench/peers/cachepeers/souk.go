package cachepeers

import (
	"context"
	"errors"
	"sync"

	"souk.example/bench/peers/engine"
	"souk.example/pkg/cache"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
)

// maxLoads is the bound that souk's cache is given on loads at a time.
const maxLoads = 8

type soukStore struct {
	cache *cache.Cache[product]
	rdb   *redisclient.Client
	stop  context.CancelFunc
	wg    sync.WaitGroup
}

var souk = library{"souk", func(ctx context.Context, addr string) (store, error) {
	return openSouk(ctx, addr, cache.Config{TTL: ttl, MaxLoads: maxLoads})
}}

// openSouk joins the cache to a bus, as services do.
func openSouk(ctx context.Context, addr string, cfg cache.Config) (*soukStore, error) {
	rdb, err := engine.Souk(ctx, addr)
	if err != nil {
		return nil, err
	}
	bus, err := pubsub.New(rdb, pubsub.Config{Service: "peers"})
	if err != nil {
		return nil, err
	}
	c, err := cache.New("product", rdb, cfg, cache.WithBus[product](bus))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	s := &soukStore{cache: c, rdb: rdb, stop: stop}
	s.wg.Go(func() { _ = bus.Run(ctx) })
	return s, nil
}

func (s *soukStore) get(ctx context.Context, key string, load loader) (product, error) {
	p, found, err := s.cache.Get(ctx, key, func(ctx context.Context) (product, bool, error) {
		p, err := load(ctx)
		return p, err == nil, err
	})
	if err == nil && !found {
		err = errors.New("souk: not found")
	}
	return p, err
}

func (s *soukStore) drop(ctx context.Context, key string) error { return s.cache.Invalidate(ctx, key) }

func (s *soukStore) close() {
	s.cache.Close()
	s.stop()
	s.wg.Wait()
	_ = s.rdb.Close()
}
