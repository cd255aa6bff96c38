// Package redistest gives tests a Redis of their own: a miniredis in the test's
// process or, with SOUK_TEST_REDIS_SERVER, a real one. A miniredis' clock does
// not advance by itself: in it, nothing expires.
package redistest

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/redisclient"
)

// Open returns a client of a [Server] that nobody else uses and that ends with
// the test.
func Open(t testing.TB) *redisclient.Client {
	t.Helper()
	return Dial(t, Start(t).Addr())
}

// Mini starts a miniredis, for tests that stop it, restart it or move its clock.
func Mini(t testing.TB) *miniredis.Miniredis { return miniredis.RunT(t) }

// patience is more than a Redis takes to answer on a machine that has stood
// still: without it, tests of one that answers would now and then meet an outage.
const patience = 10 * time.Second

// Haste is the IOTimeout of clients for tests of a Redis that falls silent.
const Haste = 500 * time.Millisecond

// Dial returns a client of the Redis at addr that waits long for its answers.
func Dial(t testing.TB, addr string) *redisclient.Client {
	t.Helper()
	return open(t, redisclient.Config{Addrs: []string{addr}, IOTimeout: patience})
}

// DialHasty is [Dial] with [Haste].
func DialHasty(t testing.TB, addr string) *redisclient.Client {
	t.Helper()
	return open(t, redisclient.Config{Addrs: []string{addr}, IOTimeout: Haste})
}

func open(t testing.TB, cfg redisclient.Config) *redisclient.Client {
	t.Helper()
	cfg.DialTimeout = Haste
	client, err := redisclient.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open redis at %v: %v", cfg.Addrs, err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Eventually fails the test when ok does not become true within half a minute.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		time.Sleep(time.Millisecond) // the poll of a condition
	}
}
