// Package redistest gives tests a Redis of their own: a miniredis in the test's
// process or, with SOUK_TEST_REDIS_SERVER, a real one.
package redistest

import (
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/redisclient"
)

// Open returns a client of an empty Redis that nobody else uses and that ends
// with the test: a process of the redis-server that SOUK_TEST_REDIS_SERVER
// names, or else a miniredis, whose clock does not advance by itself.
func Open(t testing.TB) *redisclient.Client {
	t.Helper()
	if program := os.Getenv("SOUK_TEST_REDIS_SERVER"); program != "" {
		return Dial(t, startServer(t, program))
	}
	return Dial(t, Mini(t).Addr())
}

// Mini starts a miniredis, for tests that stop it, restart it or move its clock.
func Mini(t testing.TB) *miniredis.Miniredis { return miniredis.RunT(t) }

// Dial returns a client of the Redis at addr, with short timeouts.
func Dial(t testing.TB, addr string) *redisclient.Client {
	t.Helper()
	client, err := redisclient.Open(t.Context(), redisclient.Config{
		Addrs: []string{addr}, DialTimeout: 500 * time.Millisecond, IOTimeout: 500 * time.Millisecond,
	})
	if err != nil {
		t.Fatalf("open redis at %s: %v", addr, err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Eventually fails the test when ok does not become true within five seconds.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		time.Sleep(time.Millisecond) // the poll of a condition
	}
}
