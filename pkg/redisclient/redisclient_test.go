package redisclient_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

func TestOpenSucceedsWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	client := redistest.Dial(t, closedAddr(t))
	begin := time.Now()
	if err := client.Ping(t.Context()); err == nil {
		t.Fatal("ping of a closed port succeeded")
	}
	if took := time.Since(begin); took > 300*time.Millisecond {
		t.Errorf("a refused connection took %v to report", took)
	}
}

func TestOpenWorksOnceRedisIsBack(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	client := redistest.Dial(t, mini.Addr())
	mini.Close()
	if err := client.Ping(t.Context()); err == nil {
		t.Fatal("ping of a stopped redis succeeded")
	}
	if err := mini.Restart(); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "redis answers again", func() bool { return client.Ping(t.Context()) == nil })
}

func TestPoolMetrics(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	cfg := redisclient.Config{Addrs: []string{redistest.Start(t).Addr()}}
	client, err := redisclient.Open(t.Context(), cfg, redisclient.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if _, err := redisclient.Open(t.Context(), cfg, redisclient.WithMetrics(reg)); err == nil {
		t.Error("two clients registered the same metrics")
	}
	if err := errors.Join(client.Ping(t.Context()), client.Ping(t.Context()), client.Write().Set(t.Context(), "k", "v", 0).Err()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Hot().Get(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	const want = `
		# HELP souk_redis_pool_connections Open connections.
		# TYPE souk_redis_pool_connections gauge
		souk_redis_pool_connections{handle="hot"} 1
		souk_redis_pool_connections{handle="read"} 1
		souk_redis_pool_connections{handle="write"} 1
		# HELP souk_redis_pool_misses_total Connections that had to be opened.
		# TYPE souk_redis_pool_misses_total counter
		souk_redis_pool_misses_total{handle="hot"} 1
		souk_redis_pool_misses_total{handle="read"} 1
		souk_redis_pool_misses_total{handle="write"} 1
	`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "souk_redis_pool_connections", "souk_redis_pool_misses_total"); err != nil {
		t.Error(err)
	}
}

func TestConfigRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]redisclient.Config{
		"empty address":       {Addrs: []string{""}},
		"negative timeout":    {IOTimeout: -1},
		"negative pool":       {PoolSize: -1},
		"database in cluster": {Addrs: []string{"a:1", "b:1"}, DB: 2},
	} {
		if _, err := redisclient.Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestScriptsSurviveTheServersAmnesia(t *testing.T) {
	t.Parallel()
	client := redistest.Open(t)
	scripts, err := redisclient.LoadScripts(fstest.MapFS{"echo.lua": {Data: []byte("return ARGV[1]")}})
	if err != nil {
		t.Fatal(err)
	}
	const id = "1790000000000000001" // an id as a Lua number would lose digits
	for range 2 {
		got, err := scripts.Run(t.Context(), client.Write(), "echo", nil, id).Text()
		if err != nil || got != id {
			t.Fatalf("echo = %q, %v", got, err)
		}
		if err := client.Write().ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := scripts.Run(t.Context(), client.Write(), "other", nil).Err(); err == nil {
		t.Error("a script that was not loaded ran")
	}
}

func closedAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	return listener.Addr().String()
}
