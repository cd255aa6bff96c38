package pubsub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// Run reads the channel until ctx ends and then returns nil. It outlives any
// failure of Redis by reconnecting with a growing, jittered pause of at most
// one second. While it runs, another call returns ErrRunning.
func (b *Bus) Run(ctx context.Context) error {
	if !b.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer b.running.Store(false)
	r := &reader{bus: b}
	for attempt := 0; ctx.Err() == nil; attempt++ {
		if r.connected {
			attempt = 0
			r.connected = false
			b.metrics.reconnects.Inc()
		}
		err := r.session(ctx) // whatever ended it, the next one catches up
		if ctx.Err() == nil && (r.connected || !r.known && attempt == 0) {
			b.cfg.Log.WarnContext(ctx, "broadcasts are not heard", "channel", b.cfg.Channel, "error", err)
			r.outage = true
		}
		pause(ctx, attempt)
	}
	return nil
}

// pause waits 20 ms, doubled per attempt up to 1 s, less up to half of it.
func pause(ctx context.Context, attempt int) {
	d := min(20*time.Millisecond<<min(attempt, 6), time.Second)
	_ = sleep(ctx, d/2+rand.N(d/2)) // the caller looks at ctx
}

// session subscribes and reads until the connection fails or falls silent.
func (r *reader) session(ctx context.Context) error {
	ps := r.bus.rdb.Read().Subscribe(ctx, r.bus.cfg.Channel)
	// A blocked receive does not watch its context, a closed socket wakes it.
	stop := context.AfterFunc(ctx, func() { _ = ps.Close() })
	defer func() {
		if stop() {
			_ = ps.Close()
		}
	}()
	if _, err := ps.ReceiveTimeout(ctx, 2*r.bus.cfg.Idle); err != nil {
		return fmt.Errorf("subscribe to %s: %w", r.bus.cfg.Channel, err)
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	r.connected = true
	if r.outage {
		r.bus.cfg.Log.InfoContext(ctx, "broadcasts are heard again", "channel", r.bus.cfg.Channel)
		r.outage = false
	}
	for ctx.Err() == nil {
		received, err := r.receive(ctx, ps)
		if err != nil {
			return err
		}
		if err := r.handle(ctx, received); err != nil {
			return err
		}
	}
	return nil
}

// receive returns the next thing said; nil says that the connection is silent
// but alive.
func (r *reader) receive(ctx context.Context, ps *redis.PubSub) (any, error) {
	received, err := ps.ReceiveTimeout(ctx, r.bus.cfg.Idle)
	if !isTimeout(err) {
		return received, err
	}
	if err := ps.Ping(ctx); err != nil {
		return nil, err
	}
	received, err = ps.ReceiveTimeout(ctx, r.bus.cfg.Idle)
	if _, pong := received.(*redis.Pong); pong {
		return nil, nil
	}
	return received, err
}

func (r *reader) handle(ctx context.Context, received any) error {
	switch received := received.(type) {
	case nil:
		return r.checkTail(ctx)
	case *redis.Message:
		return r.accept(ctx, received.Payload)
	}
	return nil
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
