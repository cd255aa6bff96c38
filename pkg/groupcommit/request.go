package groupcommit

import (
	"context"
	"fmt"
	"sync/atomic"
)

// Where a request is. Whoever moves it on from queued owns the answer.
const (
	queued    int32 = iota
	taken           // into a batch
	withdrawn       // by its caller
)

// request is one call of Do. It carries its caller's context because the loop
// has to know, when it takes the request, whether the caller is still there.
type request[Q, R any] struct {
	ctx   context.Context
	q     Q
	state atomic.Int32
	done  chan Outcome[R] // has room for the answer
}

func newRequest[Q, R any](ctx context.Context, q Q) *request[Q, R] {
	return &request[Q, R]{ctx: ctx, q: q, done: make(chan Outcome[R], 1)}
}

// take claims the request for a batch, unless its caller has left.
func (r *request[Q, R]) take() bool {
	return r.ctx.Err() == nil && r.state.CompareAndSwap(queued, taken)
}

// giveUp is the caller's answer when its context has ended.
func (r *request[Q, R]) giveUp() (R, error) {
	var none R
	if r.state.CompareAndSwap(queued, withdrawn) {
		return none, fmt.Errorf("%w: %w", ErrExpired, r.ctx.Err())
	}
	select {
	case out := <-r.done: // just in time
		return out.Value, out.Err
	default:
		return none, fmt.Errorf("%w: %w", ErrOutcomeUnknown, r.ctx.Err())
	}
}

func (r *request[Q, R]) answer(out Outcome[R]) { r.done <- out }
