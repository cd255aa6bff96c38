package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/registry"
	"souk.example/pkg/registry/roundtrip"
)

// serve answers requests and announces itself until the test ends.
func (n node) serve(t *testing.T, id string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	a, err := n.Announcer("shop", registry.Instance{ID: id, URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	start(t, a.Run)
}

// Requests go through whatever becomes of Redis: wiped, killed for longer than
// a TTL, replaced by an empty one.
func TestTrafficOutlivesRedis(t *testing.T) {
	server := redistest.Start(t)
	rdb := redistest.Dial(t, server.Addr())
	n := newNode(t, rdb, quick)
	w := n.watch(t)
	n.serve(t, "a")
	n.serve(t, "b")
	awaitIDs(t, w, "a", "b")

	base := &http.Transport{}
	defer base.CloseIdleConnections()
	shop, err := roundtrip.New(base, w, roundtrip.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var answered atomic.Int64
	stop := start(t, func(ctx context.Context) error {
		for ctx.Err() == nil {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://shop/", http.NoBody)
			resp, err := shop.RoundTrip(req)
			if err != nil {
				return fmt.Errorf("after %d answers: %w", answered.Load(), err)
			}
			_ = resp.Body.Close()
			answered.Add(1)
		}
		return nil
	})
	goOn := func(what string) {
		t.Helper()
		at, version := answered.Load(), w.List().Version
		redistest.Eventually(t, what+": requests go on", func() bool { return answered.Load() > at+50 })
		redistest.Eventually(t, what+": the registry goes on", func() bool { return w.List().Version > version })
	}
	for range 3 {
		rdb.Write().FlushAll(t.Context())
		goOn("wiped")
	}
	server.Kill()
	killed := time.Now()
	redistest.Eventually(t, "a TTL has passed", func() bool { return time.Since(killed) > quick.TTL })
	server.Restart()
	goOn("replaced")
	if err := stop(); err != nil {
		t.Error(err)
	}
	awaitIDs(t, w, "a", "b")
}
