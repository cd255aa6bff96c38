package registry_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/registry"
)

// childOf tells this program that it is an instance, and where Redis is.
const childOf = "SOUK_TEST_REGISTRY_REDIS"

// beChild announces the instance "child" until it is killed.
func beChild() bool {
	addr := os.Getenv(childOf)
	if addr == "" {
		return false
	}
	if err := announceChild(context.Background(), addr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func announceChild(ctx context.Context, addr string) error {
	rdb, err := redisclient.Open(ctx, redisclient.Config{Addrs: []string{addr}})
	if err != nil {
		return err
	}
	bus, err := pubsub.New(rdb, pubsub.Config{})
	if err != nil {
		return err
	}
	r, err := registry.New(rdb, bus, quick)
	if err != nil {
		return err
	}
	a, err := r.Announcer("shop", instance("child"))
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// A process that stands still is taken off the list, comes back when it goes
// on, and is taken off when it is killed without a word.
func TestProcessThatStandsStill(t *testing.T) {
	rdb := redistest.Open(t)
	w := newNode(t, rdb, quick).watch(t)
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childOf+"="+rdb.Write().(*redis.Client).Options().Addr)
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	for _, step := range []struct {
		signal syscall.Signal
		want   []string
	}{{0, []string{"child"}}, {syscall.SIGSTOP, nil}, {syscall.SIGCONT, []string{"child"}}, {syscall.SIGKILL, nil}} {
		if err := child.Process.Signal(step.signal); err != nil {
			t.Fatal(err)
		}
		awaitIDs(t, w, step.want...)
	}
}
