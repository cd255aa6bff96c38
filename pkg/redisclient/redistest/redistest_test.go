package redistest_test

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

func TestKilledServerComesBackEmpty(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := redistest.Dial(t, server.Addr())
	if err := client.Write().Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	server.Kill()
	if err := client.Ping(t.Context()); err == nil {
		t.Fatal("a killed server answers")
	}
	server.Restart()
	redistest.Eventually(t, "redis answers again", func() bool { return client.Ping(t.Context()) == nil })
	if n := client.Read().Exists(t.Context(), "k").Val(); n != 0 {
		t.Error("the key outlived the server")
	}
	server.Wipe()
	redistest.Eventually(t, "redis answers again", func() bool { return client.Ping(t.Context()) == nil })
}

func TestEachKindOfRedisServesEveryKey(t *testing.T) {
	t.Parallel()
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		for i := range 100 { // about 33 keys on each node of a cluster
			key := fmt.Sprint("key:", i)
			if err := rdb.Write().Set(t.Context(), key, i, 0).Err(); err != nil {
				t.Fatal(err)
			}
			if got, err := rdb.Read().Get(t.Context(), key).Int(); err != nil || got != i {
				t.Errorf("%s = %d, %v", key, got, err)
			}
		}
	})
}
