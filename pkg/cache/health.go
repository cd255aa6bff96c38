package cache

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
)

// health decides whether to ask Redis after it has failed: not for a pause,
// and then one caller or load tries while the others go on without. So a Redis
// that has ceased to answer holds up who asked before that was known, together,
// and later one at a time. Writes are always tried.
type health struct {
	pause time.Duration // after a failure
	trial time.Duration // the most that one caller takes to try
	start time.Time
	next  atomic.Int64 // ns since start when to ask again; 0 while Redis answers
}

func newHealth(cfg Config) *health {
	return &health{pause: cfg.RetryAfter, trial: cfg.LoadTimeout, start: time.Now()}
}

// away reports that Redis failed and has not answered since.
func (h *health) away() bool { return h.next.Load() != 0 }

// ask reports whether the caller may ask Redis; it must heed what comes of it.
func (h *health) ask() bool {
	next := h.next.Load()
	if next == 0 {
		return true
	}
	now := int64(time.Since(h.start))
	return now >= next && h.next.CompareAndSwap(next, now+int64(h.trial))
}

// heed learns from the outcome of a command and returns its error; a key that
// is absent is none. A caller that gave up proves nothing.
func (h *health) heed(ctx context.Context, err error) error {
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	switch {
	case answered(err):
		if h.away() {
			h.next.Store(0)
		}
	case h.away() || redisclient.Ended(ctx) == nil:
		h.next.Store(max(1, int64(time.Since(h.start)+h.pause)))
	}
	return err
}

// answered reports whether err is about what was asked, such as a write to a
// Redis that is full or a key of another type, so that other commands may do.
func answered(err error) bool {
	if err == nil {
		return true
	}
	_, refused := errors.AsType[redis.Error](err)
	return refused && !redis.IsLoadingError(err) && !redis.IsClusterDownError(err) &&
		!redis.IsMasterDownError(err) && !redis.IsMaxClientsError(err)
}
