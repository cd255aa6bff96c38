package redlock

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
)

// giveBack bounds how long an acquisition outlives its context in order to
// free what it has taken.
const giveBack = 250 * time.Millisecond

// claim is one holder's hold on a lock, on all nodes (the Redlock algorithm,
// redis.io, "Distributed Locks with Redis"). Its methods are not for
// concurrent use.
type claim struct {
	nodes   []*redisclient.Client
	scripts redisclient.Scripts
	cfg     Config
	keys    []string // of the lock and of its fence
	value   string   // says that the lock is ours
	fence   int64
}

func (l *Locker) newClaim(name string) *claim {
	key := l.cfg.key(name)
	return &claim{nodes: l.nodes, scripts: l.scripts, cfg: l.cfg, keys: []string{key, key + ":fence"}, value: rand.Text()}
}

// take takes the lock on more than half of the nodes or on none. It returns
// ErrNotAcquired when a node has it for another.
func (c *claim) take(ctx context.Context) error {
	begun := time.Now()
	v := c.ask(func(rdb redis.UniversalClient) (int64, error) {
		fence, err := c.scripts.Run(ctx, rdb, "acquire", c.keys,
			c.value, c.cfg.TTL.Milliseconds(), fenceTTL.Milliseconds()).Int64()
		if errors.Is(err, redis.Nil) {
			return 0, nil
		}
		return fence, err
	})
	c.fence = v.highest
	err := c.settle(ctx, v)
	if err == nil && !time.Now().Before(c.cfg.expiry(begun)) {
		err = errors.New("the nodes took as long as the lock lasts")
	}
	if err != nil && (v.yes > 0 || v.err != nil) {
		c.undo(ctx)
	}
	return err
}

// settle judges the votes on an acquisition. With several nodes it then lets a
// majority know the fence: the next holder shares one of them, so its fence is
// higher even where the clocks of the nodes differ.
func (c *claim) settle(ctx context.Context, v votes) error {
	switch {
	case v.yes < c.quorum() && v.no > 0:
		return ErrNotAcquired
	case v.yes < c.quorum():
		return v.err
	case len(c.nodes) > 1:
		return c.renew(ctx)
	}
	return nil
}

// undo frees what was taken of the lock before it was refused, also when ctx
// has ended. It wakes nobody: two waiters that have divided the nodes between
// them would wake each other for ever.
func (c *claim) undo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBack)
	defer cancel()
	_ = c.free(ctx, 0)
}

// renew has the lock last for another TTL, on more than half of the nodes. It
// returns ErrLost when too many of them have it for another or for nobody.
func (c *claim) renew(ctx context.Context) error {
	return c.judge(c.ask(func(rdb redis.UniversalClient) (int64, error) {
		return c.scripts.Run(ctx, rdb, "renew", c.keys,
			c.value, c.cfg.TTL.Milliseconds(), c.fence, fenceTTL.Milliseconds()).Int64()
	}))
}

// release frees the lock and wakes who waits for it, and returns ErrLost like
// renew.
func (c *claim) release(ctx context.Context) error { return c.free(ctx, 1) }

func (c *claim) free(ctx context.Context, wake int) error {
	return c.judge(c.ask(func(rdb redis.UniversalClient) (int64, error) {
		return c.scripts.Run(ctx, rdb, "release", c.keys[:1], c.value, wake).Int64()
	}))
}

func (c *claim) judge(v votes) error {
	switch {
	case v.yes >= c.quorum():
		return nil
	case len(c.nodes)-v.no < c.quorum():
		return fmt.Errorf("%w: it was taken or expired", ErrLost)
	}
	return v.err
}

func (c *claim) quorum() int { return len(c.nodes)/2 + 1 }

// votes is what the nodes answered.
type votes struct {
	yes, no int
	highest int64
	err     error // of the nodes that did not answer
}

// ask puts a question to every node at once and waits for all answers: zero is
// a no, any other number a yes.
func (c *claim) ask(question func(rdb redis.UniversalClient) (int64, error)) votes {
	var v votes
	if len(c.nodes) == 1 {
		v.count(question(c.nodes[0].Write()))
		return v
	}
	var mu sync.Mutex
	var asked sync.WaitGroup
	for _, node := range c.nodes {
		asked.Go(func() {
			answer, err := question(node.Write())
			mu.Lock()
			defer mu.Unlock()
			v.count(answer, err)
		})
	}
	asked.Wait()
	return v
}

func (v *votes) count(answer int64, err error) {
	switch {
	case err != nil:
		v.err = errors.Join(v.err, err)
	case answer == 0:
		v.no++
	default:
		v.yes++
		v.highest = max(v.highest, answer)
	}
}
