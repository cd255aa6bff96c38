package cache_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sys/unix"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient/redistest"
)

const (
	registerProcesses = 4
	registerWorkers   = 16 // of each process
	registerRounds    = 10
	registerKeys      = 3 // changed by everybody, then invalidated
	fence             = registerKeys + registerProcesses
)

// Four processes read, change and invalidate the same few keys at random, with
// values that live for milliseconds, refreshes ahead, and loads of random
// length, and no read breaks the promise that stale spells out.
// SOUK_TEST_CACHE_OPS sets how many operations there are.
func TestNoStaleValueAfterInvalidate(t *testing.T) {
	ops, err := strconv.Atoi(os.Getenv("SOUK_TEST_CACHE_OPS"))
	if err != nil {
		ops = 20_000
	}
	var history []op
	for _, out := range runChildren(t, redistest.Open(t), "register", registerProcesses, ops/registerProcesses) {
		history = append(history, gobbed[[]op](t, out)...)
	}
	kinds := make(map[int]int)
	for _, o := range history {
		kinds[o.Kind]++
	}
	t.Logf("%d operations: %d changes, %d reads through memory, %d through Redis, %d after the broadcasts",
		len(history), kinds[writeOp], kinds[memoryOp], kinds[redisOp], kinds[arrivedOp])
	if bad := stale(history); len(bad) > 0 {
		t.Errorf("%d stale reads, the first: %s", len(bad), bad[0])
	}
}

// register is a process of TestNoStaleValueAfterInvalidate.
type register struct {
	*child
	memory, plain *cache.Cache[int64]

	mu  sync.Mutex
	ops []op
}

func (c *child) register(ctx context.Context) (err error) {
	r := &register{child: c}
	cfg := cache.Config{TTL: time.Hour, L1TTL: time.Hour, MaxLoads: 1000, MaxRefreshes: 100, LoadTimeout: 10 * time.Second}
	lifetime := cache.WithLifetime(func(key string, _ int64) cache.Lifetime {
		if key == name(fence) {
			return cache.Lifetime{}
		}
		return cache.Lifetime{Soft: 5 * time.Millisecond, Hard: 25 * time.Millisecond}
	})
	if r.memory, err = cache.New("register", c.rdb, cfg, lifetime, cache.WithBus[int64](c.bus)); err != nil {
		return err
	}
	defer r.memory.Close()
	cfg.NoL1 = true // and no bus: for what it promises it needs none
	if r.plain, err = cache.New("register", c.rdb, cfg, lifetime); err != nil {
		return err
	}
	defer r.plain.Close()
	for round := range registerRounds {
		if err := r.round(ctx, round); err != nil {
			return err
		}
	}
	return gob.NewEncoder(os.Stdout).Encode(r.ops)
}

// round is a share of the work, then reads that follow every broadcast of it.
func (r *register) round(ctx context.Context, n int) error {
	if _, err := r.get(ctx, r.memory, fence); err != nil {
		return err
	}
	if err := r.meet(ctx, fmt.Sprint("begin", n)); err != nil {
		return err
	}
	errs := make([]error, registerWorkers)
	var workers sync.WaitGroup
	for w := range registerWorkers {
		workers.Go(func() {
			for i := 0; i < r.work/registerRounds/registerWorkers && errs[w] == nil; i++ {
				errs[w] = r.step(ctx, w == 0)
			}
		})
	}
	workers.Wait()
	if err := errors.Join(append(errs, r.meet(ctx, fmt.Sprint("end", n)))...); err != nil {
		return err
	}
	if err := r.passFence(ctx, int64(n)); err != nil {
		return err
	}
	for key := range fence {
		if err := r.read(ctx, arrivedOp, r.memory, key); err != nil {
			return err
		}
	}
	return r.meet(ctx, fmt.Sprint("over", n))
}

// passFence returns when the broadcast of a change that was made after all
// others has arrived, and so theirs: they arrive in order.
func (r *register) passFence(ctx context.Context, round int64) error {
	if r.index == 0 {
		if err := r.write(ctx, fence); err != nil {
			return err
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Microsecond) {
		version, err := r.get(ctx, r.memory, fence)
		if err != nil || version == round+1 {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("the broadcasts do not arrive")
		}
	}
}

// step is one random operation. Each process has one key that only its first
// worker changes: of several writers that Set, the last need not have the
// latest value, so they would have to Invalidate.
func (r *register) step(ctx context.Context, first bool) error {
	own := registerKeys + r.index
	switch dice, key := rand.N(100), rand.N(fence); {
	case dice < 8:
		return r.write(ctx, rand.N(registerKeys))
	case dice < 20 && first:
		return r.write(ctx, own)
	case dice < 60:
		return r.read(ctx, memoryOp, r.memory, key)
	case dice < 95:
		return r.read(ctx, redisOp, r.plain, key)
	default:
		return r.readMany(ctx, redisOp, r.plain, rand.Perm(fence)[:4])
	}
}

func (r *register) write(ctx context.Context, key int) error {
	begin := clock()
	version, err := r.rdb.Write().Incr(ctx, source(key)).Result()
	if err != nil {
		return err
	}
	pause(100)
	if key >= registerKeys && key != fence {
		err = r.memory.Set(ctx, name(key), version)
	} else {
		err = r.memory.Invalidate(ctx, name(key))
	}
	r.note(op{writeOp, r.index, key, begin, clock(), version})
	return err
}

func (r *register) read(ctx context.Context, kind int, c *cache.Cache[int64], key int) error {
	begin := clock()
	version, err := r.get(ctx, c, key)
	r.note(op{kind, r.index, key, begin, clock(), version})
	return err
}

func (r *register) readMany(ctx context.Context, kind int, c *cache.Cache[int64], keys []int) error {
	names, begin := make([]string, len(keys)), clock()
	for i, key := range keys {
		names[i] = name(key)
	}
	versions, err := c.MGet(ctx, names, r.load)
	for _, key := range keys {
		r.note(op{kind, r.index, key, begin, clock(), versions[name(key)]})
	}
	return err
}

// get reads one key, now and then by a Refresh.
func (r *register) get(ctx context.Context, c *cache.Cache[int64], key int) (int64, error) {
	load := func(ctx context.Context) (int64, bool, error) {
		found, err := r.load(ctx, []string{name(key)})
		return found[name(key)], len(found) > 0, err
	}
	read := c.Get
	if key != fence && rand.N(50) == 0 {
		read = c.Refresh
	}
	version, _, err := read(ctx, name(key), load)
	return version, err
}

func (r *register) load(ctx context.Context, names []string) (map[string]int64, error) {
	pause(200)
	found := make(map[string]int64)
	for _, name := range names {
		switch version, err := r.rdb.Read().Get(ctx, "source:"+name).Int64(); {
		case err == nil:
			found[name] = version
		case !errors.Is(err, redis.Nil):
			return found, err
		}
	}
	pause(1500)
	return found, nil
}

func (r *register) note(o op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, o)
}

func name(key int) string   { return strconv.Itoa(key) }
func source(key int) string { return "source:" + name(key) }

// pause takes up to so many microseconds, half of the time none.
func pause(most int) {
	if rand.N(2) == 0 {
		time.Sleep(time.Duration(rand.N(most)) * time.Microsecond)
	}
}

// clock is CLOCK_MONOTONIC, which all processes of a machine share.
func clock() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err)
	}
	return t.Nano()
}
