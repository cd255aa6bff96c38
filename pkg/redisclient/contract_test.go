package redisclient_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// go-redis' cluster client retries on its own, whatever MaxRetries says.
func TestLostReplyNeverAppliesAWriteTwice(t *testing.T) {
	t.Parallel()
	writes := map[string]func(rdb redis.UniversalClient) error{
		"command": func(rdb redis.UniversalClient) error { return rdb.DecrBy(t.Context(), "stock", 1).Err() },
		"pipeline": func(rdb redis.UniversalClient) error {
			_, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error { return p.DecrBy(t.Context(), "stock", 1).Err() })
			return err
		},
		"transaction": func(rdb redis.UniversalClient) error {
			_, err := rdb.TxPipelined(t.Context(), func(p redis.Pipeliner) error { return p.DecrBy(t.Context(), "stock", 1).Err() })
			return err
		},
	}
	onEachBehindProxies(t, func(t *testing.T, client *redisclient.Client, proxies []*redistest.Proxy) {
		for name, write := range writes {
			if err := write(client.Write()); err != nil { // opens its connection
				t.Fatal(err)
			}
			if err := client.Write().Set(t.Context(), "stock", 9, 0).Err(); err != nil {
				t.Fatal(err)
			}
			each(proxies, func(p *redistest.Proxy) { p.LoseReply.Store(true) })
			if err := write(client.Write()); !errors.Is(err, redisclient.ErrNoReply) {
				t.Errorf("%s: got %v, want ErrNoReply", name, err)
			}
			each(proxies, func(p *redistest.Proxy) { p.LoseReply.Store(false) })
			if got := client.Read().Get(t.Context(), "stock").Val(); got != "8" {
				t.Errorf("%s: stock = %s after one lost DECRBY, want 8", name, got)
			}
		}
	})
}

// Else each connection's first write after a restart of Redis would be lost.
func TestAWriteGoesToARestartedRedisAtOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := redistest.Dial(t, server.Addr())
	for range 3 {
		if err := client.Write().Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
		server.Wipe()
	}
}

// onEachBehindProxies runs test on one server and on a cluster.
func onEachBehindProxies(t *testing.T, test func(*testing.T, *redisclient.Client, []*redistest.Proxy)) {
	t.Helper()
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		proxy := redistest.NewProxy(t, redistest.Start(t).Addr())
		test(t, redistest.DialHasty(t, proxy.Addr()), []*redistest.Proxy{proxy})
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		client, proxies := redistest.ProxiedCluster(t)
		test(t, client, proxies[:])
	})
}

func each(proxies []*redistest.Proxy, do func(p *redistest.Proxy)) {
	for _, p := range proxies {
		do(p)
	}
}

func TestContextDeadlineIsKept(t *testing.T) {
	t.Parallel()
	commands := map[string]func(ctx context.Context, c *redisclient.Client) error{
		"read":  func(ctx context.Context, c *redisclient.Client) error { return c.Read().Exists(ctx, "k").Err() },
		"write": func(ctx context.Context, c *redisclient.Client) error { return c.Write().Incr(ctx, "n").Err() },
		"hot": func(ctx context.Context, c *redisclient.Client) error {
			return c.Hot().Process(ctx, redis.NewIntCmd(ctx, "exists", "k"))
		},
	}
	onEachBehindProxies(t, func(t *testing.T, client *redisclient.Client, proxies []*redistest.Proxy) {
		for name, command := range commands {
			if err := command(t.Context(), client); err != nil { // opens its connection
				t.Fatal(err)
			}
			each(proxies, func(p *redistest.Proxy) { p.DropReplies.Store(true) })
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			begin := time.Now()
			err := command(ctx, client)
			if took := time.Since(begin); took > 300*time.Millisecond {
				t.Errorf("%s: a 50ms deadline was kept after %v", name, took)
			}
			if err == nil || !errors.Is(redisclient.Ended(ctx), context.DeadlineExceeded) {
				t.Errorf("%s: without a reply: %v, ended: %v", name, err, redisclient.Ended(ctx))
			}
			cancel()
			each(proxies, func(p *redistest.Proxy) { p.DropReplies.Store(false) })
		}
	})
}

func TestHotAnswersEachCaller(t *testing.T) {
	t.Parallel()
	redistest.OnEach(t, func(t *testing.T, client *redisclient.Client) {
		var callers sync.WaitGroup
		for i := range 64 {
			callers.Go(func() {
				key := fmt.Sprint("key:", i)
				if _, err := client.Hot().Get(t.Context(), key); !errors.Is(err, redis.Nil) {
					t.Errorf("%s before it is set: %v, want Nil", key, err)
				}
				if err := client.Write().Set(t.Context(), key, key, 0).Err(); err != nil {
					t.Error(err)
				}
				if got, err := client.Hot().Get(t.Context(), key); err != nil || string(got) != key {
					t.Errorf("%s = %q, %v", key, got, err)
				}
			})
		}
		callers.Wait()
	})
}

// No caller of a silent Redis waits for the pipelines before his own.
func TestHotCallersWaitTogether(t *testing.T) {
	t.Parallel()
	const timeout = redistest.Haste
	onEachBehindProxies(t, func(t *testing.T, client *redisclient.Client, proxies []*redistest.Proxy) {
		if _, err := client.Hot().Get(t.Context(), "k"); !errors.Is(err, redis.Nil) { // opens its connection
			t.Fatal(err)
		}
		each(proxies, func(p *redistest.Proxy) { p.DropReplies.Store(true) })
		begin := time.Now()
		var callers sync.WaitGroup
		for i := range 64 {
			callers.Go(func() {
				if _, err := client.Hot().Get(t.Context(), fmt.Sprint("key:", i)); err == nil {
					t.Error("a silent Redis answered")
				}
			})
		}
		callers.Wait()
		if took := time.Since(begin); took > 5*timeout {
			t.Errorf("callers waited %v", took)
		}
	})
}

func TestHotSaysWhyItEnded(t *testing.T) {
	t.Parallel()
	client := redistest.Open(t)
	tired := errors.New("tired")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(tired)
	if _, err := client.Hot().Get(ctx, "k"); !errors.Is(err, tired) {
		t.Errorf("with an ended context: %v, want its cause", err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Hot().Get(t.Context(), "k"); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
}
