package catalogue_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/cache"
	"souk.example/pkg/money"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
	"souk.example/pkg/telemetry"
	"souk.example/services/inventory/internal/catalogue"
	"souk.example/services/inventory/internal/inventory"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

var teapot = inventory.Listing{Product: inventory.Product{SKU: "TEA-1", Name: "Teapot", Price: money.Of(100, "CNY"), Version: 1}, Available: 3}

// shop counts how often its shelf and its single products are read.
type shop struct {
	shelf, single atomic.Int64
	price         atomic.Int64
}

func (s *shop) front(context.Context) ([]inventory.SKU, error) {
	if s.shelf.Add(1) == 1 {
		return nil, errors.New("not yet") // is tried again
	}
	return []inventory.SKU{teapot.SKU}, nil
}

func (s *shop) Listing(context.Context, inventory.SKU) (inventory.Listing, bool, error) {
	s.single.Add(1)
	return teapot, true, nil
}

func (s *shop) ListingsOf(context.Context, []string) ([]inventory.Listing, error) {
	l := teapot
	l.Price = money.Of(s.price.Load(), "CNY")
	return []inventory.Listing{l}, nil
}

func newPages(t *testing.T, rdb *redisclient.Client, s *shop) *catalogue.Pages {
	t.Helper()
	c, err := cache.New("product-page", rdb, cache.Config{TTL: time.Minute}, cache.WithCodec[catalogue.Page](catalogue.Codec{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return catalogue.NewPages(c, s, telemetry.Nop().Logger)
}

// What one replica keeps warm, another serves without asking the database.
func TestPagesAreWarmBeforeAnybodyAsks(t *testing.T) {
	rdb, s := redistest.Open(t), &shop{}
	locker, err := redlock.New(rdb, redlock.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(locker.Close)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for range 2 {
		elector, err := redlock.NewElector(locker, "warm", redlock.ElectorConfig{})
		if err != nil {
			t.Fatal(err)
		}
		w := catalogue.NewWarmer(newPages(t, rdb, s), s.front, elector, 5*time.Millisecond, telemetry.Nop().Logger)
		go func() { ended <- w.Run(ctx) }()
	}
	redistest.Eventually(t, "the page is in Redis", func() bool {
		keys, err := rdb.Read().Keys(t.Context(), "souk:cache:product-page*TEA-1*").Result()
		return err == nil && len(keys) == 1 && s.shelf.Load() > 3
	})
	page, found, err := newPages(t, rdb, s).Page(t.Context(), "TEA-1")
	if err != nil || !found || len(page.Body) == 0 || page.ETag == "" {
		t.Errorf("%+v, %v, %v", page, found, err)
	}
	if n := s.single.Load(); n != 0 {
		t.Errorf("the database was asked for a page %d times", n)
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// A change after the shelf was looked at and before a page is loaded is in it.
func TestWarmPagesAreNotOlderThanAChange(t *testing.T) {
	s := &shop{}
	pages := newPages(t, redistest.Open(t), s)
	s.price.Store(999)
	shelf := []inventory.SKU{teapot.SKU}
	s.price.Store(100)
	pages.Changed(t.Context(), teapot.SKU)
	if err := pages.Warm(t.Context(), shelf); err != nil {
		t.Fatal(err)
	}
	page, found, err := pages.Page(t.Context(), teapot.SKU)
	if err != nil || !found || !strings.Contains(string(page.Body), `"amount":100`) {
		t.Errorf("%s, %v, %v", page.Body, found, err)
	}
}
