package outbox

import (
	"context"
	"sync"
	"time"
)

// What is asked together is given up sooner than what is asked alone: nobody
// shall wait long for another's row.
const (
	togetherTimeout = 2 * time.Second
	aloneTimeout    = 10 * time.Second
)

// gathering lets several ask the database together: whoever comes while
// others gather asks with them. What cannot be answered for all of them each
// asks alone, so that none spoils it for the others. Unlike a
// groupcommit.Committer it has no queue, and one group does not wait for the one
// before it. Safe for concurrent use.
type gathering[Q, A any] struct {
	patience func() time.Duration // how long a group that begins gathers
	together func(ctx context.Context, questions []Q) (answers []A, ok bool)
	alone    func(ctx context.Context, question Q) (A, error)

	mu      sync.Mutex
	open    *group[Q, A] // nil: the next to come begins one
	running sync.WaitGroup
}

// group is what is asked together.
type group[Q, A any] struct {
	questions []Q
	answers   []A           // as questions, if ok, once asked is closed
	ok        bool          // the same
	asked     chan struct{} // closed when there are answers, or will be none
}

// do asks q, with others if it may, and waits for the answer or the end of ctx,
// which is not the end of the question: others may have asked with it.
func (g *gathering[Q, A]) do(ctx context.Context, q Q, withOthers bool) (answer A, err error) {
	if withOthers {
		joined, place := g.join(q)
		select {
		case <-joined.asked:
			if joined.ok {
				return joined.answers[place], nil
			}
		case <-ctx.Done():
			return answer, ctx.Err()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, aloneTimeout)
	defer cancel()
	return g.alone(ctx, q)
}

func (g *gathering[Q, A]) join(q Q) (joined *group[Q, A], place int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		begun := &group[Q, A]{asked: make(chan struct{})}
		g.open = begun
		g.running.Go(func() { g.ask(begun) })
	}
	g.open.questions = append(g.open.questions, q)
	return g.open, len(g.open.questions) - 1
}

func (g *gathering[Q, A]) ask(begun *group[Q, A]) {
	defer close(begun.asked)
	if d := g.patience(); d > 0 {
		time.Sleep(d)
	}
	g.mu.Lock()
	g.open = nil
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), togetherTimeout)
	defer cancel()
	begun.answers, begun.ok = g.together(ctx, begun.questions)
}

// wait returns when all that was asked together is answered; nobody may ask
// meanwhile.
func (g *gathering[Q, A]) wait() { g.running.Wait() }
