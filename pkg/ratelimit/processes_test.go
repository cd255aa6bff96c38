package ratelimit_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
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

// Eight processes on one hot key are together allowed what one would be. No
// clock of theirs comes into it: the times are Redis' own.
func TestProcessesShareOneBound(t *testing.T) {
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			addr := redistest.Open(t).Write().(*redis.Client).Options().Addr
			begun := time.Now()
			var allowed atomic.Int64
			var children sync.WaitGroup
			for range 8 {
				children.Go(func() {
					child := exec.CommandContext(t.Context(), os.Args[0])
					child.Env = append(os.Environ(), childOf+"="+addr, fmt.Sprintf("%s=%d", childAlgorithm, algorithm))
					child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
					out, err := child.Output()
					n, parseErr := strconv.ParseInt(string(out), 10, 64)
					if err != nil || parseErr != nil {
						t.Errorf("a child said %q, %v", out, err)
					}
					allowed.Add(n)
				})
			}
			children.Wait()
			bound := float64(shared.Burst) + float64(shared.Rate)*time.Since(begun).Seconds()
			if got := float64(allowed.Load()); got > bound || got < float64(shared.Burst)+float64(shared.Rate)/2 {
				t.Errorf("%.0f were allowed in a bound of %.1f", got, bound)
			}
		})
	}
}

// beChild asks as fast as it can for a second and writes how often it was allowed.
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
	allowed := 0
	for ctx.Err() == nil {
		if r, err := l.Allow(ctx, "hot"); err == nil && r.Allowed {
			allowed++
		}
	}
	_, err = fmt.Print(allowed)
	return err
}
