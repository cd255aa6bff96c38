package idpeers

import (
	"context"
	"errors"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/sony/sonyflake"

	"souk.example/bench/peers/engine"
	"souk.example/pkg/idgen"
)

// next issues one id.
type next func() (int64, error)

func bwmarrin() (next, error) {
	node, err := snowflake.NewNode(1)
	if err != nil {
		return nil, err
	}
	return func() (int64, error) { return node.Generate().Int64(), nil }, nil
}

// sony makes a generator on a clock that is back by step: both libraries
// count from a start time, so moving that forward is setting the clock back.
func sony(step time.Duration) (next, error) {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(step)
	flake, err := sonyflake.New(sonyflake.Settings{StartTime: start, MachineID: func() (uint16, error) { return 1, nil }})
	if err != nil {
		return nil, err
	}
	return func() (int64, error) {
		id, err := flake.NextID()
		return int64(id), err
	}, nil
}

// leaseTTL is short, because a Redis that has never leased a number leases
// none for that long.
const leaseTTL = time.Second

// worker is a souk process that issues ids.
type worker struct {
	next
	stop func()
}

// startWorker leases a number in r and renews it until stop.
func startWorker(ctx context.Context, r *engine.Redis, clock func() time.Time) (*worker, error) {
	rdb, err := engine.Souk(ctx, r.Addr())
	if err != nil {
		return nil, err
	}
	leases, err := idgen.InRedis(rdb, "{workers}")
	if err != nil {
		return nil, err
	}
	w := idgen.New(leases, idgen.Config{LeaseTTL: leaseTTL, Clock: clock})
	if err := w.Acquire(ctx); err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = w.Run(ctx) }()
	return &worker{next: w.Next, stop: func() { cancel(); <-ended; _ = rdb.Close() }}, nil
}

// take issues n ids.
func take(issue next, n int) ([]int64, error) {
	ids := make([]int64, n)
	for i := range ids {
		var err error
		if ids[i], err = issue(); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
