package idgen_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

func inSQL(t testing.TB) idgen.Leases { return idgen.InSQL(databasetest.Open(t, idgen.Migrations())) }

func inRedis(t testing.TB, rdb *redisclient.Client) idgen.Leases {
	t.Helper()
	leases, err := idgen.InRedis(rdb, "leases")
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

// stores are all that can keep leases.
var stores = map[string]func(testing.TB) idgen.Leases{
	"sql":           inSQL,
	"redis":         func(t testing.TB) idgen.Leases { return inRedis(t, redistest.Open(t)) },
	"redis cluster": func(t testing.TB) idgen.Leases { return inRedis(t, redistest.Cluster(t)) },
}

// ttl leaves time to look at a lease, on a busy machine too, and to wait for its end.
const ttl = 400 * time.Millisecond

// take takes a number of two as soon as one is free.
func take(t testing.TB, leases idgen.Leases) (got idgen.Grant) {
	t.Helper()
	redistest.Eventually(t, "a number is free", func() (ok bool) {
		var err error
		got, err = leases.Take(t.Context(), 6, 8, "me", ttl)
		if err != nil && !errors.Is(err, idgen.ErrNoneFree) {
			t.Fatal(err)
		}
		return err == nil
	})
	return got
}

func TestLeases(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leases := open(t)
			first, second := take(t, leases), take(t, leases)
			if min(first.Worker, second.Worker) != 6 || max(first.Worker, second.Worker) != 7 {
				t.Fatalf("got %d and %d of 6 and 7", first.Worker, second.Worker)
			}
			if _, err := leases.Take(t.Context(), 6, 8, "me", ttl); !errors.Is(err, idgen.ErrNoneFree) {
				t.Errorf("a third of two: %v", err)
			}
			if ahead := first.HighWater - first.Now.UnixMilli(); ahead < 0 || ahead > ttl.Milliseconds() {
				t.Errorf("the mark is %d ms ahead of the clock for a TTL of %v", ahead, ttl)
			}
			more, err := leases.Extend(t.Context(), second, ttl)
			if err != nil || more.HighWater < more.Now.Add(ttl).UnixMilli() || more.Term != second.Term {
				t.Errorf("extended %+v to %+v, %v", second, more, err)
			}

			used := more.Now.UnixMilli() + 5
			if err := leases.Free(t.Context(), more, used); err != nil {
				t.Fatal(err)
			}
			next := take(t, leases) // whichever is free by now
			if next.Worker == second.Worker && (next.After != used || next.Term <= second.Term) {
				t.Errorf("freed at %d, then %+v after %+v", used, next, more)
			}
		})
	}
}

// Who takes a number whose lease has ended starts above it, and its former
// holder has lost it.
func TestSuccession(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leases := open(t)
			held := map[int]idgen.Grant{}
			for range 2 {
				g := take(t, leases)
				held[g.Worker] = g
			}
			heir := take(t, leases)
			before := held[heir.Worker]
			if heir.Term <= before.Term || heir.After < before.HighWater {
				t.Errorf("%+v follows %+v", heir, before)
			}
			if _, err := leases.Extend(t.Context(), before, ttl); !errors.Is(err, idgen.ErrTaken) {
				t.Errorf("extending what another holds: %v", err)
			}
			if err := leases.Free(t.Context(), before, 0); err != nil {
				t.Errorf("freeing what another holds: %v", err)
			}
			if _, err := leases.Extend(t.Context(), heir, ttl); err != nil {
				t.Errorf("the heir has lost it: %v", err)
			}
		})
	}
}

// A holder that comes late goes on if nobody took its number.
func TestEndedLeaseIsExtended(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leases := open(t)
			held := take(t, leases)
			redistest.Eventually(t, "it has ended", func() bool { return time.Since(held.Now) > 2*ttl })
			more, err := leases.Extend(t.Context(), held, ttl)
			if err != nil || more.HighWater <= held.HighWater {
				t.Errorf("%+v extended to %+v, %v", held, more, err)
			}
		})
	}
}

// Redis forgets who holds what, and nobody gets a number that is still used.
func TestRedisForgetsTheLeases(t *testing.T) {
	rdb := redistest.Open(t)
	leases := inRedis(t, rdb)
	held := take(t, leases)
	if err := rdb.Write().FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := leases.Extend(t.Context(), held, ttl); !errors.Is(err, idgen.ErrTaken) {
		t.Errorf("extending what is forgotten: %v", err)
	}
	heir := take(t, leases)
	if now := heir.Now.UnixMilli(); now < held.HighWater || heir.Term <= held.Term {
		t.Errorf("%+v was given at %d, when %+v could be used still", heir, now, held)
	}
}

func TestInRedisNeedsAClientAndAKey(t *testing.T) {
	if _, err := idgen.InRedis(redistest.Dial(t, "127.0.0.1:1"), ""); !errors.Is(err, idgen.ErrName) {
		t.Errorf("no key: %v", err)
	}
	if _, err := idgen.InRedis(nil, "leases"); !errors.Is(err, idgen.ErrConfig) {
		t.Errorf("no client: %v", err)
	}
}

// Ids are had from Redis as they are from SQL.
func TestWorkerOverRedis(t *testing.T) {
	w := idgen.New(inRedis(t, redistest.Open(t)), idgen.Config{LeaseTTL: time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	redistest.Eventually(t, "there are ids", func() bool { _, err := w.Next(); return err == nil })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
