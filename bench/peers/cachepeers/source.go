package cachepeers

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// settle is long enough for goroutines that were started to have joined a
// load that is under way, and for a late fill to have reached Redis: neither
// can be observed from outside a library.
const settle = 100 * time.Millisecond

// source is a database with one product.
type source struct {
	name  atomic.Pointer[string]
	loads atomic.Int64

	running, most atomic.Int64
}

func newSource(name string) *source {
	s := &source{}
	s.set(name)
	return s
}

func (s *source) set(name string) { s.name.Store(&name) }

func (s *source) product() product { return product{Name: *s.name.Load(), Price: 100} }

// load answers at once.
func (s *source) load(context.Context) (product, error) {
	s.loads.Add(1)
	return s.product(), nil
}

// slowly answers after d, and minds its context as a database driver does.
func (s *source) slowly(d time.Duration) loader {
	return func(ctx context.Context) (product, error) {
		s.loads.Add(1)
		running := s.running.Add(1)
		defer s.running.Add(-1)
		for most := s.most.Load(); running > most && !s.most.CompareAndSwap(most, running); most = s.most.Load() {
		}
		select {
		case <-ctx.Done():
			return product{}, context.Cause(ctx)
		case <-time.After(d):
			return s.product(), nil
		}
	}
}

// held reads the product, says so on reading, and answers when gate closes:
// by then the product may have changed.
func (s *source) held(reading chan<- struct{}, gate <-chan struct{}) loader {
	return func(context.Context) (product, error) {
		p := s.product()
		close(reading)
		<-gate
		return p, nil
	}
}

// open makes n processes' stores of a library.
func open(ctx context.Context, lib library, addr string, n int) ([]store, func(), error) {
	stores := make([]store, 0, n)
	closeAll := func() {
		for _, s := range stores {
			s.close()
		}
	}
	for range n {
		s, err := lib.open(ctx, addr)
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("open %s: %w", lib.name, err)
		}
		stores = append(stores, s)
	}
	return stores, closeAll, nil
}
