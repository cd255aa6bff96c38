package pubsub

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// reader is the state of Run's one goroutine: how far it has followed the
// channel's history. It relies on one rule: a frame that names last as the one
// before it is the next; about any other frame, the log decides.
type reader struct {
	bus       *Bus
	connected bool     // the session was confirmed by Redis
	outage    bool     // the log tells of one that has not ended
	last      position // of what was delivered or covered by a resync
	known     bool     // last is known
	// caughtUp are the nonces taken from the log, which may arrive by the
	// connection too, up to the first frame that is not among them.
	caughtUp map[string]struct{}
	// floor is the sequence at the last resync: frames of its epoch up to it
	// were sent between the subscription and the resync.
	floor int64
}

// begin takes up the history once the subscription stands: what it finds here
// is covered, and what comes later will be heard.
func (r *reader) begin(ctx context.Context) error {
	switch {
	case !r.known:
		return r.resync(ctx, causeFirst)
	case r.last.seq == 0:
		return r.resync(ctx, causeEpoch) // no frame proves that it is the same history
	}
	return r.catchUp(ctx)
}

// accept delivers a frame, after those that are missing before it.
func (r *reader) accept(ctx context.Context, payload string) error {
	f, err := parseFrame(payload)
	if err != nil {
		r.bus.refuse(0, err)
		return nil
	}
	if f.before == r.last.nonce {
		r.deliver(f)
		r.caughtUp = nil
		return nil
	}
	if _, done := r.caughtUp[f.nonce]; done {
		return nil
	}
	if f.epoch == r.last.epoch && f.seq <= r.floor {
		// The resync covers it, unless Redis has just gone back in time:
		// delivering it again costs least.
		r.bus.deliver(r.bus.decode(f.body))
		return nil
	}
	return r.catchUp(ctx)
}

func (r *reader) deliver(f frame) {
	r.last = f.position
	r.bus.deliver(r.bus.decode(f.body))
}

// catchUp delivers what the log has after last, or resyncs where the log does
// not reach back that far or tells another history.
func (r *reader) catchUp(ctx context.Context) error {
	r.caughtUp = make(map[string]struct{})
	at, err := r.bus.position(ctx)
	if err != nil {
		return err
	}
	for {
		frames, err := r.bus.readLog(ctx, r.last.seq)
		if err != nil {
			return err
		}
		missed, ok := r.after(frames)
		if !ok {
			return r.resync(ctx, r.why(frames, at))
		}
		for _, f := range missed {
			if f.before != r.last.nonce {
				return r.resync(ctx, causeTrimmed) // it was too large for the log
			}
			r.caughtUp[f.nonce] = struct{}{}
			r.bus.metrics.caughtUp.Inc()
			r.deliver(f)
		}
		if len(frames) < logPage {
			if (r.last.seq == 0 || r.last.epoch == at.epoch) && r.last.seq < at.seq {
				return r.resync(ctx, causeTrimmed) // the last frame was too large for the log
			}
			return nil
		}
	}
}

// after returns the frames that follow last, if a page of the log from last on
// is of the same history.
func (r *reader) after(frames []frame) (missed []frame, ok bool) {
	if r.last.seq == 0 {
		return frames, true
	}
	if len(frames) == 0 || frames[0].position != r.last {
		return nil, false
	}
	return frames[1:], true
}

// why names the cause of a resync by what the log has in place of last, when
// the channel was at the position at.
func (r *reader) why(frames []frame, at position) string {
	switch {
	case at.epoch != r.last.epoch:
		return causeEpoch
	case len(frames) > 0 && frames[0].seq == r.last.seq:
		return causeForked
	}
	return causeTrimmed
}

// resync starts from the channel's present position.
func (r *reader) resync(ctx context.Context, cause string) error {
	at, err := r.bus.position(ctx)
	if err != nil {
		return err
	}
	r.last, r.known, r.floor, r.caughtUp = at, true, at.seq, nil
	r.bus.resyncAll(cause)
	return nil
}

// checkTail finds a lost last frame, which no later one would reveal, and a
// history that has changed silently.
func (r *reader) checkTail(ctx context.Context) error {
	at, err := r.bus.position(ctx)
	if err != nil || at == r.last {
		return err
	}
	return r.catchUp(ctx)
}

// position reads where the channel is; without history it is at its origin.
func (b *Bus) position(ctx context.Context) (position, error) {
	stored, err := b.rdb.Read().Get(ctx, b.positionKey()).Result()
	if errors.Is(err, redis.Nil) {
		return origin(), nil
	}
	at := origin()
	if err == nil {
		at, err = parsePosition(stored)
	}
	if err != nil {
		return position{}, fmt.Errorf("position of %s: %w", b.cfg.Channel, err)
	}
	return at, nil
}

// logPage is how many frames are read from the log at once.
const logPage = 64

// readLog returns a page of frames from sequence seq on.
func (b *Bus) readLog(ctx context.Context, seq int64) ([]frame, error) {
	from := strconv.FormatInt(seq, 10) + "-0"
	entries, err := b.rdb.Read().XRangeN(ctx, b.logKey(), from, "+", logPage).Result()
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", b.cfg.Channel, err)
	}
	frames := make([]frame, len(entries))
	for i, e := range entries {
		payload, _ := e.Values["f"].(string)
		if frames[i], err = parseFrame(payload); err != nil {
			return nil, fmt.Errorf("log of %s at %s: %w", b.cfg.Channel, e.ID, err)
		}
	}
	return frames, nil
}
