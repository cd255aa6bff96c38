package cache_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
)

// Tests with several processes run their own program again. These tell such a
// child what it is, where Redis is, which of how many it is, and how much to do.
const (
	childRole  = "SOUK_TEST_CACHE_ROLE"
	childRedis = "SOUK_TEST_CACHE_REDIS"
	childIndex = "SOUK_TEST_CACHE_INDEX"
	childCount = "SOUK_TEST_CACHE_COUNT"
	childWork  = "SOUK_TEST_CACHE_WORK"
)

// child is this program as one of several processes.
type child struct {
	index, count, work int
	rdb                *redisclient.Client
	bus                *pubsub.Bus
}

// runChildren runs count processes to their end and returns what each printed.
func runChildren(t *testing.T, rdb *redisclient.Client, role string, count, work int) [][]byte {
	t.Helper()
	addr := rdb.Write().(*redis.Client).Options().Addr
	out := make([][]byte, count)
	var children sync.WaitGroup
	for i := range count {
		children.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), childRole+"="+role, childRedis+"="+addr,
				fmt.Sprintf("%s=%d", childIndex, i), fmt.Sprintf("%s=%d", childCount, count), fmt.Sprintf("%s=%d", childWork, work))
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			var errs bytes.Buffer
			cmd.Stderr = &errs
			var err error
			if out[i], err = cmd.Output(); err != nil {
				t.Errorf("child %d: %v: %s", i, err, errs.String())
			}
		})
	}
	children.Wait()
	return out
}

// beChild is the whole program of a child.
func beChild(role string) error {
	ctx, cancel := context.WithCancel(context.Background())
	c := &child{}
	var errs [3]error
	c.index, errs[0] = strconv.Atoi(os.Getenv(childIndex))
	c.count, errs[1] = strconv.Atoi(os.Getenv(childCount))
	c.work, errs[2] = strconv.Atoi(os.Getenv(childWork))
	if err := errors.Join(errs[:]...); err != nil {
		cancel()
		return err
	}
	stop, err := c.connect(ctx)
	if err == nil {
		err = map[string]func(context.Context) error{"register": c.register, "cold": c.cold}[role](ctx)
	}
	cancel()
	return errors.Join(err, stop())
}

// connect opens Redis and waits until the bus hears it.
func (c *child) connect(ctx context.Context) (stop func() error, err error) {
	c.rdb, err = redisclient.Open(ctx, redisclient.Config{Addrs: []string{os.Getenv(childRedis)}, IOTimeout: 5 * time.Second})
	if err != nil {
		return func() error { return nil }, err
	}
	c.bus, err = pubsub.New(c.rdb, pubsub.Config{QueueMax: 1 << 20})
	if err != nil {
		return c.rdb.Close, err
	}
	ready, done := make(chan struct{}, 16), make(chan error, 1)
	sub := c.bus.Subscribe("ready", pubsub.Handler{Resync: func() { ready <- struct{}{} }})
	go func() { done <- c.bus.Run(ctx) }()
	<-ready
	return func() error { sub.Close(); return errors.Join(<-done, c.rdb.Close()) }, nil
}

// meet returns when all children have come here.
func (c *child) meet(ctx context.Context, where string) error {
	key := "meet:" + where
	n, err := c.rdb.Write().Incr(ctx, key).Result()
	for deadline := time.Now().Add(30 * time.Second); err == nil && n < int64(c.count); {
		if time.Now().After(deadline) {
			return fmt.Errorf("alone at %s", where)
		}
		time.Sleep(200 * time.Microsecond) // the poll of a condition
		n, err = c.rdb.Read().Get(ctx, key).Int64()
	}
	return err
}

func gobbed[T any](t *testing.T, data []byte) (v T) {
	t.Helper()
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
