package ratelimit_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// childOf tells this program that it is a child of TestProcessesShareOneBound,
// and where Redis is; childAlgorithm how the limit is kept.
const (
	childOf        = "SOUK_TEST_LIMIT_REDIS"
	childAlgorithm = "SOUK_TEST_LIMIT_ALGORITHM"
)

var shared = ratelimit.PerSecond(500, 50)

// event was allowed by Redis between two readings of Redis'
// clock, in µs.
type event struct{ after, before int64 }

// Eight processes with eight callers each are allowed together, in every window
// of Redis' clock, what one would be. Their own clocks do not matter, also when
// they are five minutes off that of Redis.
func TestProcessesShareOneBound(t *testing.T) {
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			checkShared(t, eightProcesses(t, redistest.Open(t).Write().(*redis.Client).Options().Addr, algorithm))
		})
		for _, skew := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
			t.Run(fmt.Sprintf("%s, clocks %v apart", name, skew), func(t *testing.T) {
				checkShared(t, eightProcesses(t, skewedRedis(t, skew), algorithm))
			})
		}
	}
}

// skewedRedis is a Redis whose clock is skew ahead of the processes'.
func skewedRedis(t *testing.T, skew time.Duration) string {
	t.Helper()
	server := redistest.Mini(t)
	ctx, cancel := context.WithCancel(context.Background())
	var clock sync.WaitGroup
	clock.Go(func() {
		for tick := time.NewTicker(time.Millisecond); ctx.Err() == nil; <-tick.C {
			server.SetTime(time.Now().Add(skew))
		}
	})
	t.Cleanup(func() { cancel(); clock.Wait() })
	return server.Addr()
}

// eightProcesses returns what they were allowed.
func eightProcesses(t *testing.T, addr string, algorithm ratelimit.Algorithm) (all []event) {
	t.Helper()
	var mu sync.Mutex
	var children sync.WaitGroup
	for range 8 {
		children.Go(func() {
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), childOf+"="+addr, fmt.Sprintf("%s=%d", childAlgorithm, algorithm))
			child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			out, err := child.Output()
			if err != nil {
				t.Errorf("a child said %q, %v", out, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for line := range strings.Lines(string(out)) {
				var e event
				if _, err := fmt.Sscan(line, &e.after, &e.before); err != nil {
					t.Errorf("a child said %q", line)
				}
				all = append(all, e)
			}
		})
	}
	children.Wait()
	return all
}

// checkShared holds every window to the bound burst + rate × T: what was
// allowed for certain within it must not be more.
func checkShared(t *testing.T, all []event) {
	t.Helper()
	if int64(len(all)) <= shared.Burst {
		t.Errorf("no more than the burst were allowed: %d", len(all))
	}
	slices.SortFunc(all, func(a, b event) int { return cmp.Compare(a.before, b.before) })
	for _, first := range all {
		count := int64(0)
		for _, last := range all {
			if last.after < first.after {
				continue
			}
			count++
			// Multiplied out, so that nothing is rounded.
			if window := last.before - first.after; (count-shared.Burst)*shared.Per.Microseconds() > shared.Rate*window {
				t.Fatalf("%d were allowed in %d µs", count, window)
			}
		}
	}
}

// beChild asks as fast as it can for a second, and writes between which times
// each event was allowed.
func beChild(addr string) error {
	algorithm, err := strconv.Atoi(os.Getenv(childAlgorithm))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	rdb, err := redisclient.Open(ctx, redisclient.Config{Addrs: []string{addr}})
	if err != nil {
		return err
	}
	l, err := ratelimit.New(rdb, ratelimit.Config{
		Name: "test", Limit: shared, Algorithm: ratelimit.Algorithm(algorithm), OnOutage: ratelimit.Closed, Timeout: 5 * time.Second,
	})
	if err != nil {
		return err
	}
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() { askUntilTheEnd(ctx, rdb, l) })
	}
	callers.Wait()
	return nil
}

// askUntilTheEnd writes each event in one write, which is whole. An event without
// a second reading is left out: nobody knows when it was allowed.
func askUntilTheEnd(ctx context.Context, rdb *redisclient.Client, l *ratelimit.Limiter) {
	for ctx.Err() == nil {
		after, err := rdb.Read().Time(ctx).Result()
		r, askErr := l.Allow(ctx, "hot")
		if err != nil || askErr != nil || !r.Allowed {
			continue
		}
		if before, err := rdb.Read().Time(ctx).Result(); err == nil {
			fmt.Fprintln(os.Stdout, after.UnixMicro(), before.UnixMicro())
		}
	}
}
