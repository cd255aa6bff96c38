package redisclient

import (
	"context"
	"time"
)

// bound is a context with an earlier deadline, for sockets alone: its Done is
// the parent's, so it takes no timer.
type bound struct {
	context.Context
	end time.Time
}

func (b *bound) Deadline() (time.Time, bool) {
	if end, ok := b.Context.Deadline(); ok && end.Before(b.end) {
		return end, true
	}
	return b.end, true
}

// Bound returns ctx for a command of Read or Write that must not take longer
// than Config.IOTimeout, for a caller who can do without the answer: a silent
// Redis takes that long for each try, and for each new connection. Ask
// [Ended] of ctx and not of the result why the command failed.
func (c *Client) Bound(ctx context.Context) context.Context {
	return &bound{ctx, time.Now().Add(c.wait)}
}
