package redisclient

import (
	"context"
	"time"
)

// Ended returns the cause of ctx's end, or nil while it goes on. Ask it when a
// command has failed: a socket's deadline is that of the context, and passes a
// moment before ctx.Err says so.
func Ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}
