package httpserver

import (
	"context"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// due is a context with a deadline. Other than context.WithDeadline's it has a
// timer, and a place in its parent's list, only once somebody waits for its end:
// most requests are answered before anybody does. Make it with a Context, the
// parent, and a deadline, and cancel it.
type due struct {
	context.Context
	deadline time.Time

	mu     sync.Mutex
	timed  context.Context // with the deadline; nil until somebody needs it
	end    context.CancelFunc
	isOver bool
}

// Deadline implements context.Context.
func (d *due) Deadline() (time.Time, bool) {
	if parents, ok := d.Context.Deadline(); ok && parents.Before(d.deadline) {
		return parents, true
	}
	return d.deadline, true
}

// Done implements context.Context.
func (d *due) Done() <-chan struct{} { return d.needed().Done() }

// Err implements context.Context. What it says once, it says for good, so an end
// that nobody waited for is needed too.
func (d *due) Err() error {
	if d.goesOn() {
		return nil
	}
	return d.needed().Err()
}

// Value implements context.Context. Package context finds by it what a child is
// to be listed in, after it asked for Done.
func (d *due) Value(key any) any {
	d.mu.Lock()
	timed := d.timed
	d.mu.Unlock()
	if timed != nil {
		return timed.Value(key)
	}
	return d.Context.Value(key)
}

// goesOn reports whether nobody needs more than the parent yet, and it has not ended.
func (d *due) goesOn() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.timed == nil && !d.isOver && d.Context.Err() == nil && time.Now().Before(d.deadline)
}

func (d *due) needed() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timed == nil {
		d.timed, d.end = context.WithDeadline(d.Context, d.deadline)
		if d.isOver {
			d.end()
		}
	}
	return d.timed
}

// cancel ends the context.
func (d *due) cancel() {
	d.mu.Lock()
	d.isOver = true
	end := d.end
	d.mu.Unlock() // who is told of the end may ask for values
	if end != nil {
		end()
	}
}

// timed ends the request's context at its deadline.
func timed(limit time.Duration) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := requestOf(c)
		r.due.Context, r.due.deadline = r.Context, r.start.Add(limit)
		defer r.due.cancel()
		r.Context = &r.due
		c.Next()
	}
}
