package redisclient_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/fstest"
	"time"

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

func TestLostReplyNeverAppliesAWriteTwice(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	proxy := redistest.NewProxy(t, mini.Addr())
	client := redistest.Dial(t, proxy.Addr())
	if err := client.Write().Set(t.Context(), "stock", 9, 0).Err(); err != nil {
		t.Fatal(err)
	}
	proxy.DropReplies.Store(true)
	if err := client.Write().DecrBy(t.Context(), "stock", 1).Err(); err == nil {
		t.Fatal("a write without a reply succeeded")
	}
	if got, _ := mini.Get("stock"); got != "8" {
		t.Errorf("stock = %s after one lost DECRBY, want 8", got)
	}
}

func TestContextDeadlineIsKept(t *testing.T) {
	t.Parallel()
	proxy := redistest.NewProxy(t, redistest.Mini(t).Addr())
	client := redistest.Dial(t, proxy.Addr())
	if err := client.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.DropReplies.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := client.Write().Incr(ctx, "n").Err(); err == nil {
		t.Fatal("a write without a reply succeeded")
	}
	if took := time.Since(begin); took > 300*time.Millisecond {
		t.Errorf("a 50ms deadline was kept after %v", took)
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
