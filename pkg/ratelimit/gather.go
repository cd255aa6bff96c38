package ratelimit

import (
	"context"
	"slices"
	"sync"
)

const (
	// maxCalls is how many calls for one key a process has under way. Beyond,
	// callers gather, so that a hot key costs Redis one script for many of them.
	maxCalls = 2
	// maxGathered bounds the callers that share a call, and so how long one
	// script keeps Redis.
	maxGathered = 128
)

// gate knows which calls are under way, and who waits for them to end (group
// commit). Nothing is taken in advance: a token is taken for a caller who
// waits for it. Safe for concurrent use.
type gate struct {
	mu   sync.Mutex
	keys map[string]*queue
}

// queue is what there is of one key; a key without calls has none.
type queue struct {
	calls   int
	waiting []*request // in the order they came
}

// request is a caller that waits.
type request struct {
	n      int64
	answer chan answer // buffered: the caller may have left
}

type answer struct {
	result Result
	err    error
}

// enter begins a call for key, and returns nil; or, if there are enough, it
// queues the caller.
func (g *gate) enter(key string, n int64) *request {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := g.keys[key]
	if q == nil {
		q = &queue{}
		g.keys[key] = q
	}
	if q.calls < maxCalls {
		q.calls++
		return nil
	}
	r := &request{n: n, answer: make(chan answer, 1)}
	q.waiting = append(q.waiting, r)
	return r
}

// next ends a call for key and begins one for those it returns, if there are any.
func (g *gate) next(key string) []*request {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := g.keys[key]
	if len(q.waiting) == 0 {
		if q.calls--; q.calls == 0 {
			delete(g.keys, key)
		}
		return nil
	}
	n := min(len(q.waiting), maxGathered)
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return batch
}

// drop takes back a request that is not under way yet, so that who gives up
// is not charged.
func (g *gate) drop(key string, r *request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := g.keys[key]
	if q == nil {
		return
	}
	if i := slices.Index(q.waiting, r); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// ask has Redis decide for one caller before ctx ends: by a call of its own, or
// by one it shares.
func (l *Limiter) ask(ctx context.Context, key string, n int64) (Result, error) {
	if r := l.gate.enter(key, n); r != nil {
		select {
		case a := <-r.answer:
			return a.result, a.err
		case <-ctx.Done():
			l.gate.drop(key, r)
			return Result{}, context.Cause(ctx)
		}
	}
	defer l.leave(ctx, key)
	results, err := l.call(ctx, key, n)
	if err != nil {
		return Result{}, err
	}
	return results[0], nil
}

// leave ends a caller's own call. Those who gathered meanwhile go on without
// it, on a goroutine that ends when nobody waits: each of them waits for a
// Timeout at most, as does each call.
func (l *Limiter) leave(ctx context.Context, key string) {
	if batch := l.gate.next(key); batch != nil {
		go l.askForAll(context.WithoutCancel(ctx), key, batch)
	}
}

func (l *Limiter) askForAll(ctx context.Context, key string, batch []*request) {
	for ; batch != nil; batch = l.gate.next(key) {
		l.answer(ctx, key, batch)
	}
}

// answer has Redis decide for batch. Each of its callers gives up when it must;
// none of them may cancel the call of the others.
func (l *Limiter) answer(ctx context.Context, key string, batch []*request) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	counts := make([]int64, len(batch))
	for i, r := range batch {
		counts[i] = r.n
	}
	results, err := l.call(ctx, key, counts...)
	for i, r := range batch {
		a := answer{err: err}
		if err == nil {
			a.result = results[i]
		}
		r.answer <- a
	}
}
