package redistest

import (
	"testing"

	"souk.example/pkg/redisclient"
)

// OnEach runs a conformance test as a parallel subtest on every kind of Redis
// there is: a miniredis, a redis-server and a Redis Cluster. The last two skip
// unless SOUK_TEST_REDIS_SERVER is set.
func OnEach(t *testing.T, test func(t *testing.T, rdb *redisclient.Client)) {
	t.Helper()
	open := map[string]func(testing.TB) *redisclient.Client{
		"miniredis": func(t testing.TB) *redisclient.Client { return Dial(t, start(t, runMini).Addr()) },
		"server":    openServer,
		"cluster":   Cluster,
	}
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func openServer(t testing.TB) *redisclient.Client {
	t.Helper()
	if program() == "" {
		t.Skip("no redis-server: SOUK_TEST_REDIS_SERVER is unset")
	}
	return Open(t)
}
