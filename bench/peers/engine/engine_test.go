package engine_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/bench/peers/engine"
)

// start returns a Redis, a proxy to it, and a client through the proxy that
// neither retries nor waits long, and is connected.
func start(t *testing.T) (*engine.Redis, *engine.Proxy, *redis.Client) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip(engine.ErrNoServer)
	}
	r, err := engine.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	proxy, err := engine.NewProxy(r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	client := redis.NewClient(&redis.Options{
		Addr: proxy.Addr(), MaxRetries: -1, PoolSize: 1, ReadTimeout: 200 * time.Millisecond,
	})
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	return r, proxy, client
}

func TestALostReplyIsApplied(t *testing.T) {
	t.Parallel()
	r, proxy, client := start(t)
	proxy.LoseReply("incr")
	if err := client.Incr(t.Context(), "n").Err(); err == nil {
		t.Error("the reply arrived")
	}
	if n, _ := r.Direct().Get(t.Context(), "n").Int(); n != 1 {
		t.Errorf("n = %d, want 1", n)
	}
	if err := client.Incr(t.Context(), "n").Err(); err != nil {
		t.Errorf("the next reply was lost too: %v", err)
	}
}

func TestABlackHoleSwallowsOnlyTheConnectionsThereAre(t *testing.T) {
	t.Parallel()
	r, proxy, client := start(t)
	proxy.Swallow()
	if err := client.Incr(t.Context(), "n").Err(); err == nil {
		t.Error("the reply arrived")
	}
	if n, err := r.Direct().Exists(t.Context(), "n").Result(); n != 0 {
		t.Errorf("the request arrived: %v", err)
	}
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("a new connection: %v", err)
	}
}

func TestACutEndsConnections(t *testing.T) {
	t.Parallel()
	_, proxy, client := start(t)
	subscription := client.Subscribe(t.Context(), "c")
	defer subscription.Close()
	if _, err := subscription.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.Cut()
	if m, err := subscription.Receive(t.Context()); err == nil {
		t.Errorf("received %v", m)
	}
}

func TestARefusalEndsByItself(t *testing.T) {
	t.Parallel()
	_, proxy, client := start(t)
	proxy.Refuse(50 * time.Millisecond)
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Error("it answers at once")
	}
	for begin := time.Now(); client.Ping(t.Context()).Err() != nil; time.Sleep(time.Millisecond) {
		if time.Since(begin) > 5*time.Second {
			t.Fatal("it does not answer again")
		}
	}
}

func TestStopEndsTheServer(t *testing.T) {
	t.Parallel()
	r, _, client := start(t)
	r.Stop()
	r.Stop()
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Error("it still answers")
	}
}

func TestAReplacedServerIsEmpty(t *testing.T) {
	t.Parallel()
	r, _, client := start(t)
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.Replace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Direct().DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("it holds %d keys, %v", n, err)
	}
}

func TestRequestsDoNotCountWhatScriptsCall(t *testing.T) {
	t.Parallel()
	r, _, client := start(t)
	before, err := r.Requests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	script := bytes.Repeat([]byte("redis.call('INCR', 'n') "), 50)
	if err := client.Eval(t.Context(), string(script), nil).Err(); err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	after, err := r.Requests(t.Context())
	if err != nil || after-before > 10 {
		t.Errorf("%d requests, %v", after-before, err)
	}
}

func TestStartNeedsAServer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := engine.Start(context.Background()); !errors.Is(err, engine.ErrNoServer) {
		t.Errorf("got %v", err)
	}
}
