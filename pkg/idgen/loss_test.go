package idgen_test

import (
	"errors"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/idgen"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// forgetful is a Redis that, killed and restarted, has the memory it saved
// last. A miniredis cannot be one.
func forgetful(t testing.TB) (server *redistest.Server, rdb *redisclient.Client) {
	t.Helper()
	server = redistest.Start(t)
	rdb = redistest.Dial(t, server.Addr())
	if rdb.Write().Save(t.Context()).Err() != nil {
		t.Skip("a miniredis saves nothing")
	}
	return server, rdb
}

func save(t testing.TB, rdb *redisclient.Client) {
	t.Helper()
	if err := rdb.Write().Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

// Redis comes back with the memory of a second ago, and nobody gets a number
// that was leased since.
func TestRedisForgetsTheLastLeases(t *testing.T) {
	t.Parallel()
	server, rdb := forgetful(t)
	leases := inRedis(t, rdb)
	known, err := leases.Extend(t.Context(), take(t, leases), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	save(t, rdb)
	lost := take(t, leases)
	server.Wipe()
	if _, err := leases.Extend(t.Context(), known, time.Hour); err != nil {
		t.Errorf("extending what is known: %v", err)
	}
	if _, err := leases.Extend(t.Context(), lost, ttl); !errors.Is(err, idgen.ErrTaken) {
		t.Errorf("extending what is forgotten: %v", err)
	}
	heir := take(t, leases)
	if now := heir.Now.UnixMilli(); now < lost.HighWater || heir.Term <= lost.Term {
		t.Errorf("%+v was given at %d, when %+v could be used still", heir, now, lost)
	}
}

// Who had a number before the one whose lease was lost does not get it back
// while the other may use it.
func TestAFormerHolderIsNotItsHeirsHeir(t *testing.T) {
	t.Parallel()
	server, rdb := forgetful(t)
	leases := inRedis(t, rdb)
	former := take(t, leases)
	redistest.Eventually(t, "its lease has ended", func() bool { return time.Since(former.Now) > 2*ttl })
	save(t, rdb)
	if _, err := leases.Take(t.Context(), former.Worker, former.Worker+1, "heir", ttl); err != nil {
		t.Fatal(err)
	}
	server.Wipe()
	if _, err := leases.Extend(t.Context(), former, ttl); !errors.Is(err, idgen.ErrTaken) {
		t.Errorf("extending a lease that has an heir: %v", err)
	}
}

// A clock that is set back neither lowers a mark nor lets it run ahead.
func TestAClockSetBackLeavesTheMark(t *testing.T) {
	t.Parallel()
	server := redistest.Mini(t)
	leases := inRedis(t, redistest.Dial(t, server.Addr()))
	at := time.Now()
	grant := func(now time.Time) idgen.Grant {
		t.Helper()
		server.SetTime(now)
		got, err := leases.Take(t.Context(), 6, 7, "me", ttl)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	server.SetTime(at.Add(-time.Hour))
	if _, err := leases.Take(t.Context(), 6, 7, "me", ttl); !errors.Is(err, idgen.ErrNoneFree) {
		t.Fatal(err)
	}
	first := grant(at)
	if err := leases.Free(t.Context(), first, first.HighWater); err != nil {
		t.Fatal(err)
	}
	second := grant(at.Add(-time.Minute))
	if second.After != first.HighWater || second.HighWater != first.HighWater {
		t.Errorf("%+v follows %+v", second, first)
	}
}

// keptSince is a miniredis at a clock that stands, which has kept leases for an
// hour, and a function that takes the only number there is.
func keptSince(t *testing.T, now time.Time) (*miniredis.Miniredis, idgen.Leases, func() idgen.Grant) {
	t.Helper()
	server := redistest.Mini(t)
	leases := inRedis(t, redistest.Dial(t, server.Addr()))
	server.SetTime(now.Add(-time.Hour))
	notices(t, leases)
	server.SetTime(now)
	return server, leases, func() idgen.Grant {
		t.Helper()
		got, err := leases.Take(t.Context(), 6, 7, "me", ttl)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

// notices has Redis see that it may have lost leases.
func notices(t *testing.T, leases idgen.Leases) {
	t.Helper()
	if _, err := leases.Take(t.Context(), 6, 7, "me", ttl); !errors.Is(err, idgen.ErrNoneFree) {
		t.Fatal(err)
	}
}

// A lost lease may be used to the last millisecond of its mark: in it nobody is
// given its number, in the next somebody is.
func TestALostLeaseIsWaitedForToItsLastMillisecond(t *testing.T) {
	t.Parallel()
	server, leases, take := keptSince(t, time.Now().Truncate(time.Millisecond))
	lost := take()
	server.FlushAll()
	notices(t, leases)
	server.SetTime(time.UnixMilli(lost.HighWater))
	if heir, err := leases.Take(t.Context(), 6, 7, "me", ttl); !errors.Is(err, idgen.ErrNoneFree) {
		t.Errorf("%+v was given at the mark of %+v: %v", heir, lost, err)
	}
	server.SetTime(time.UnixMilli(lost.HighWater + 1))
	take()
}

// Nor does a former holder, whom an older memory knows, go on in that millisecond.
func TestAFormerHolderWaitsForItsHeirToTheLastMillisecond(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Millisecond)
	server, leases, take := keptSince(t, now.Add(-time.Minute))
	former := take()
	older := server.HGet("leases", "6")
	server.SetTime(now)
	heir := take()
	server.HSet("leases", "6", older, "server", "0123") // of the run before
	notices(t, leases)
	server.SetTime(time.UnixMilli(heir.HighWater))
	if again, err := leases.Extend(t.Context(), former, ttl); !errors.Is(err, idgen.ErrTaken) {
		t.Errorf("%+v was extended to %+v at the mark of %+v: %v", former, again, heir, err)
	}
	server.SetTime(time.UnixMilli(heir.HighWater + 1))
	if _, err := leases.Extend(t.Context(), former, ttl); err != nil {
		t.Errorf("after the mark: %v", err)
	}
}
