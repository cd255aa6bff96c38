package redlock

import (
	"context"
	"time"
)

// queue is the callers of one process who wait for one lock.
type queue struct {
	turn  chan struct{} // holds the turn to ask Redis while nobody has it
	freed chan struct{} // holds the news that the lock may be free

	waiters int       // guarded by the wait room
	left    time.Time // when the last one did, likewise
}

func newQueue() *queue {
	q := &queue{turn: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
	q.giveTurn()
	return q
}

// takeTurn waits, in the order of arrival, for the turn or the end of ctx.
func (q *queue) takeTurn(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-q.turn:
		return nil
	}
}

func (q *queue) giveTurn() { q.turn <- struct{}{} }

// wait waits, for the longest of pause, for news that the lock may be free. It
// returns the cause of ctx's end.
func (q *queue) wait(ctx context.Context, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-q.freed:
	case <-t.C:
	}
	return nil
}

func (q *queue) wake() { signal(q.freed) }

// signal leaves one signal in c, however often it is called.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
