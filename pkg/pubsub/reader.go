package pubsub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Run reads the channel until ctx ends and then returns nil. It outlives any
// failure of Redis by reconnecting with a growing, jittered pause of at most
// one second. Run it once per Bus.
func (b *Bus) Run(ctx context.Context) error {
	r := &reader{bus: b}
	for attempt := 0; ctx.Err() == nil; attempt++ {
		if r.connected {
			attempt = 0
			r.connected = false
			b.metrics.reconnects.Inc()
		}
		_ = r.session(ctx) // whatever ended it, the next one resyncs
		pause(ctx, attempt)
	}
	return nil
}

// pause waits 20 ms, doubled per attempt up to 1 s, less up to half of it.
func pause(ctx context.Context, attempt int) {
	d := min(20*time.Millisecond<<min(attempt, 6), time.Second)
	t := time.NewTimer(d/2 + rand.N(d/2))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// reader is the state of Run's one goroutine.
type reader struct {
	bus       *Bus
	connected bool     // the session was confirmed by Redis
	last      position // what was delivered or covered by a resync
	suspect   position // a stored position that was ahead of last one check ago
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
	if err := r.begin(ctx, ps); err != nil {
		return err
	}
	for ctx.Err() == nil {
		frame, err := r.receive(ctx, ps)
		if err != nil {
			return err
		}
		if err := r.handle(ctx, frame); err != nil {
			return err
		}
	}
	return nil
}

// begin waits for the subscription to stand, takes the position of the
// channel and resyncs: what came before that position is covered, what comes
// after it will be heard.
func (r *reader) begin(ctx context.Context, ps *redis.PubSub) error {
	if _, err := ps.ReceiveTimeout(ctx, 2*r.bus.cfg.Idle); err != nil {
		return fmt.Errorf("subscribe to %s: %w", r.bus.cfg.Channel, err)
	}
	at, err := r.bus.stored(ctx)
	if err != nil {
		return err
	}
	r.last, r.connected = at, true
	r.bus.resyncAll()
	return nil
}

// receive returns the next frame; a nil frame says that the connection is
// silent but alive.
func (r *reader) receive(ctx context.Context, ps *redis.PubSub) (any, error) {
	frame, err := ps.ReceiveTimeout(ctx, r.bus.cfg.Idle)
	if !isTimeout(err) {
		return frame, err
	}
	if err := ps.Ping(ctx); err != nil {
		return nil, err
	}
	frame, err = ps.ReceiveTimeout(ctx, r.bus.cfg.Idle)
	if _, pong := frame.(*redis.Pong); pong {
		return nil, nil
	}
	return frame, err
}

func (r *reader) handle(ctx context.Context, frame any) error {
	switch frame := frame.(type) {
	case nil:
		return r.checkTail(ctx)
	case *redis.Message:
		r.accept(frame.Payload)
	}
	return nil
}

// accept delivers a frame, after a resync when frames before it are missing.
// A frame that the last resync has covered is delivered again: that is harmless.
func (r *reader) accept(payload string) {
	at, messages, err := parseFrame(payload)
	if err != nil {
		r.bus.metrics.refused.Inc()
	}
	if at.epoch == "" {
		return
	}
	if at.ahead(r.last) {
		if !at.follows(r.last) {
			r.bus.resyncAll()
		}
		r.last = at
	}
	r.bus.deliver(messages)
}

// checkTail finds a lost last frame, which no later frame would reveal. What
// is ahead now may still be on its way; what is ahead for a whole idle period
// is lost.
func (r *reader) checkTail(ctx context.Context) error {
	at, err := r.bus.stored(ctx)
	if err != nil {
		return err
	}
	if r.suspect.ahead(r.last) && r.suspect != (position{}) {
		r.last = at
		r.bus.resyncAll()
	}
	r.suspect = position{}
	if at.ahead(r.last) {
		r.suspect = at
	}
	return nil
}

// stored reads the channel's position; a channel without one is at its start.
func (b *Bus) stored(ctx context.Context) (position, error) {
	fields, err := b.rdb.Read().HMGet(ctx, b.stateKey(), "epoch", "seq").Result()
	if err != nil {
		return position{}, fmt.Errorf("position of %s: %w", b.cfg.Channel, err)
	}
	epoch, _ := fields[0].(string)
	number, _ := fields[1].(string)
	if epoch == "" {
		return position{}, nil
	}
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return position{}, fmt.Errorf("position of %s: %w", b.cfg.Channel, err)
	}
	return position{epoch, seq}, nil
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
