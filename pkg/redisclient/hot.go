package redisclient

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Hot is the handle for idempotent commands of many concurrent callers: what
// they send at about the same time travels as one pipeline (go-redis' auto
// pipelining, an experimental part of it). One server gets nothing twice, but a
// cluster's pipeline that failed is sent again as a whole, so a command that must
// not be applied twice has no place here. One caller by itself gains nothing.
// Safe for concurrent use.
type Hot struct {
	auto *redis.AutoPipeliner
	wait time.Duration // the most of one command
	err  error
}

// newHot uses the deferred face of go-redis' auto pipelining: in the blocking
// one, the deadline of a command's context does nothing.
func newHot(rdb redis.UniversalClient, wait time.Duration) *Hot {
	auto, err := rdb.AsyncAutoPipeline()
	return &Hot{auto: auto, wait: wait, err: err}
}

// Process sends cmd and waits for its reply, for Config.IOTimeout, which is then
// the context.DeadlineExceeded of the error, or for the end of ctx, whose cause
// is the error. Pipelines follow one another, so that a caller behind one that
// gets no reply would wait for several times as long. Without a reply cmd may
// still be applied; do not read it. A key that is missing is redis.Nil.
func (h *Hot) Process(ctx context.Context, cmd redis.Cmder) error {
	switch {
	case h.err != nil:
		return fmt.Errorf("redis %s: %w", cmd.Name(), h.err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	bounded, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	err := h.auto.Submit(ctx, cmd).WaitContext(bounded)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Get returns the value of key, or redis.Nil when there is none.
func (h *Hot) Get(ctx context.Context, key string) ([]byte, error) {
	cmd := redis.NewStringCmd(ctx, "get", key)
	if err := h.Process(ctx, cmd); err != nil {
		return nil, err
	}
	return cmd.Bytes()
}
