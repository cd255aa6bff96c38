package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
)

const (
	redisTick = 100 * time.Millisecond

	// FastForward walks every key under the server's one lock, so its share
	// of the time is bounded: one part in timeShare.
	timeShare = 20
)

// redisServer is a miniredis whose keys expire by the wall clock.
type redisServer struct {
	*miniredis.Miniredis
	last time.Time // when TTLs were last moved on
}

func startRedis(port int) (*redisServer, error) {
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr(loopback(port)); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	return &redisServer{Miniredis: m, last: time.Now()}, nil
}

// passTime moves the TTLs on every redisTick, or less often when there are so
// many keys that doing so is slow. (miniredis has a clock mode instead, but
// that walks every key on every command.)
func (r *redisServer) passTime(ctx context.Context) error {
	timer := time.NewTimer(redisTick)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			timer.Reset(max(redisTick, timeShare*r.forward()))
		}
	}
}

// forward moves the TTLs on by the time since the last call and returns what
// that cost.
func (r *redisServer) forward() time.Duration {
	now := time.Now()
	r.FastForward(now.Sub(r.last))
	r.last = now
	return time.Since(now)
}
