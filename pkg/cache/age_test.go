package cache_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// Ages are those of the bubble's clock; the closed port answers at once, so
// everything here is L1 and source.
func TestAgeInMemory(t *testing.T) {
	rdb := down(t)
	synctest.Test(t, func(t *testing.T) {
		s := &shop{}
		c := newCache(t, rdb, cache.Config{
			L1TTL: time.Minute, NullTTL: 10 * time.Second, StaleFor: time.Hour, Jitter: 0.5, RetryAfter: 24 * time.Hour,
		})
		s.set("a", "old")
		want(t, c, "a", s.load("a"), "old")
		s.set("a", "new")
		time.Sleep(29 * time.Second) // reading does not renew it
		want(t, c, "a", s.load("a"), "old")
		time.Sleep(31 * time.Second)
		want(t, c, "a", s.load("a"), "new")

		time.Sleep(2 * time.Minute)
		s.fail(errors.New("broken"))
		want(t, c, "a", s.load("a"), "new") // stale
		time.Sleep(2 * time.Hour)
		if _, _, err := c.Get(t.Context(), "a", s.load("a")); err == nil {
			t.Error("served beyond StaleFor")
		}
	})
}

func down(t *testing.T) *redisclient.Client {
	t.Helper()
	mini := redistest.Mini(t)
	rdb := redistest.Dial(t, mini.Addr())
	mini.Close()
	return rdb
}

func TestEntriesDoNotExpireTogether(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	c := newCache(t, redistest.Dial(t, mini.Addr()), cache.Config{TTL: time.Hour, Jitter: 0.5})
	lives := make(map[time.Duration]bool)
	for _, key := range []string{"a", "b", "c", "d"} {
		s.set(key, key)
		want(t, c, key, s.load(key), key)
		ttl := mini.TTL("souk:cache:product:" + key)
		lives[ttl] = true
		if ttl > time.Hour || ttl < 30*time.Minute {
			t.Errorf("%s lives for %v", key, ttl)
		}
	}
	if len(lives) < 2 {
		t.Errorf("all entries live for %v", lives)
	}
}

// What counts is the value's own end, not how long L1 could have kept it.
func TestStaleForCountsFromTheValuesOwnEnd(t *testing.T) {
	rdb := down(t)
	synctest.Test(t, func(t *testing.T) {
		s := &shop{}
		short := func(string, product) cache.Lifetime { return cache.Lifetime{Hard: time.Second} }
		c := newCache(t, rdb, cache.Config{StaleFor: time.Second, RetryAfter: 24 * time.Hour}, cache.WithLifetime(short))
		s.set("a", "old")
		want(t, c, "a", s.load("a"), "old")
		s.fail(errors.New("broken"))
		time.Sleep(1500 * time.Millisecond)
		want(t, c, "a", s.load("a"), "old") // stale
		time.Sleep(time.Second)
		if got, _, err := c.Get(t.Context(), "a", s.load("a")); err == nil {
			t.Errorf("%v was served beyond StaleFor", got)
		}
	})
}

func TestNegativeJitterIsNone(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	c := newCache(t, redistest.Dial(t, mini.Addr()), cache.Config{TTL: time.Hour, Jitter: -1})
	s.set("a", "apple")
	want(t, c, "a", s.load("a"), "apple")
	if ttl := mini.TTL("souk:cache:product:a"); ttl < time.Hour-time.Minute {
		t.Errorf("the entry lives for %v", ttl)
	}
}
