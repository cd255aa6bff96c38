package redlock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
)

func threeServers(t *testing.T) ([3]*redistest.Server, []*redisclient.Client) {
	t.Helper()
	var servers [3]*redistest.Server
	var nodes []*redisclient.Client
	for i := range servers {
		servers[i] = redistest.Start(t)
		nodes = append(nodes, redistest.Dial(t, servers[i].Addr()))
	}
	return servers, nodes
}

func TestMajorityIsEnough(t *testing.T) {
	t.Parallel()
	servers, nodes := threeServers(t)
	locker := lockerOn(t, nodes, redlock.Config{})
	servers[0].Kill()
	lock := acquire(t, locker, "job")
	if _, err := locker.TryAcquire(t.Context(), "job"); !errors.Is(err, redlock.ErrNotAcquired) {
		t.Errorf("beside the holder: %v, want ErrNotAcquired", err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	servers[1].Kill()
	if _, err := locker.TryAcquire(t.Context(), "job"); err == nil || errors.Is(err, redlock.ErrNotAcquired) {
		t.Errorf("without a majority: %v, want Redis' error", err)
	}
	servers[0].Restart()
	redistest.Eventually(t, "the majority is back", func() bool {
		lock, err := locker.TryAcquire(t.Context(), "job")
		return err == nil && lock.Release() == nil
	})
}

// A node that swallows what it is asked leaves the majority's holder its time,
// whether its client waits for it for half a TTL or for longer than one.
func TestSilentMinorityTakesNoTimeFromTheHolder(t *testing.T) {
	t.Parallel()
	const ttl = 1200 * time.Millisecond
	for _, patience := range []time.Duration{ttl / 2, time.Minute} {
		t.Run(patience.String(), func(t *testing.T) {
			t.Parallel()
			servers, nodes := threeServers(t)
			proxy := redistest.NewProxy(t, servers[2].Addr())
			proxy.DropReplies.Store(true)
			silent, err := redisclient.Open(t.Context(), redisclient.Config{Addrs: []string{proxy.Addr()}, IOTimeout: patience})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = silent.Close() })
			nodes[2] = silent
			lock := acquire(t, lockerOn(t, nodes, redlock.Config{TTL: ttl}), "job")
			select {
			case <-lock.Context().Done():
				t.Errorf("the lock was lost: %v", context.Cause(lock.Context()))
			case <-time.After(3 * ttl):
			}
			if err := lock.Release(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusedMinorityKeepsNothingAndWakesNobody(t *testing.T) {
	t.Parallel()
	_, nodes := threeServers(t)
	for _, n := range nodes[:2] {
		if err := n.Write().Set(t.Context(), "souk:lock:{job}", "another", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	expectSilence := listen(t, nodes[2], "souk:lock:{job}")
	locker := lockerOn(t, nodes, redlock.Config{})
	if _, err := locker.TryAcquire(t.Context(), "job"); !errors.Is(err, redlock.ErrNotAcquired) {
		t.Errorf("got %v, want ErrNotAcquired", err)
	}
	expectSilence()
	if n := nodes[2].Read().Exists(t.Context(), "souk:lock:{job}").Val(); n != 0 {
		t.Error("the third node is still held")
	}
}

// Those who divide the nodes between them wait for each other, also when a node
// is down.
func TestNeitherOfTwoHasTheMajority(t *testing.T) {
	t.Parallel()
	servers, nodes := threeServers(t)
	servers[0].Kill()
	if err := nodes[1].Write().Set(t.Context(), "souk:lock:{job}", "another", 0).Err(); err != nil {
		t.Fatal(err)
	}
	locker := lockerOn(t, nodes, redlock.Config{})
	if _, err := locker.TryAcquire(t.Context(), "job"); !errors.Is(err, redlock.ErrNotAcquired) {
		t.Errorf("got %v, want ErrNotAcquired", err)
	}
	if n := nodes[2].Read().Exists(t.Context(), "souk:lock:{job}").Val(); n != 0 {
		t.Error("the third node is still held")
	}
}

// Two nodes give the lock to another before they have learnt its fence.
func TestLockThatIsLostAtOnceIsNotAcquired(t *testing.T) {
	t.Parallel()
	_, nodes := threeServers(t)
	for _, n := range nodes[:2] {
		n.Write().AddHook(beforeRenewal(func(ctx context.Context) error {
			return n.Read().Set(ctx, "souk:lock:{job}", "another", 0).Err()
		}))
	}
	locker := lockerOn(t, nodes, redlock.Config{})
	if _, err := locker.TryAcquire(t.Context(), "job"); !errors.Is(err, redlock.ErrNotAcquired) {
		t.Errorf("got %v, want ErrNotAcquired", err)
	}
	if n := nodes[2].Read().Exists(t.Context(), "souk:lock:{job}").Val(); n != 0 {
		t.Error("the third node is still held")
	}
}

// beforeRenewal is a hook of a client, called before it has a lock renewed.
type beforeRenewal func(ctx context.Context) error

func (beforeRenewal) DialHook(next redis.DialHook) redis.DialHook { return next }

func (beforeRenewal) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h beforeRenewal) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	const args = 3 + 2 + 4 // of EVALSHA, its keys and the arguments of renew.lua
	return func(ctx context.Context, cmd redis.Cmder) error {
		if len(cmd.Args()) != args {
			return next(ctx, cmd)
		}
		return errors.Join(h(ctx), next(ctx, cmd))
	}
}

// The first holder's fence is that of a node whose clock is far ahead, and
// which the second does not reach.
func TestFencesIncreaseAlthoughClocksDiffer(t *testing.T) {
	t.Parallel()
	var minis [3]*miniredis.Miniredis
	var nodes []*redisclient.Client
	for i := range minis {
		minis[i] = redistest.Mini(t)
		minis[i].SetTime(time.Now().Add(time.Duration(-i) * time.Hour))
		nodes = append(nodes, redistest.Dial(t, minis[i].Addr()))
	}
	locker := lockerOn(t, nodes, redlock.Config{})
	var last int64
	for _, away := range []int{2, 0, 1, 0, 2, 1} {
		minis[away].Close()
		var lock *redlock.Lock
		redistest.Eventually(t, "the lock is acquired", func() bool {
			var err error
			lock, err = locker.TryAcquire(t.Context(), "job")
			return err == nil
		})
		if lock.Fence() <= last {
			t.Errorf("without node %d: fence %d after %d", away, lock.Fence(), last)
		}
		last = lock.Fence()
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
		if err := minis[away].Restart(); err != nil {
			t.Fatal(err)
		}
	}
}
