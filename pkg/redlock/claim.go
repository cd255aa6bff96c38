package redlock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-redsync/redsync/v4"
	redsyncredis "github.com/go-redsync/redsync/v4/redis"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"

	"souk.example/pkg/redisclient"
)

// claim is one holder's hold on a lock: a mutex of redsync, which asks the
// nodes, counts their answers and frees what it took in vain. Its methods are
// not for concurrent use.
type claim struct {
	mutex   *redsync.Mutex
	nodes   []node
	scripts redisclient.Scripts
	keys    []string // of the lock and of its fence
	script  string   // of ours, to run when redsync runs one; none while it undoes
	fence   int64
	round   time.Duration // how long the nodes are waited for
	begun   time.Time     // of the round from which on the lock lasts a TTL
}

func (l *Locker) newClaim(name string) *claim {
	key := l.cfg.key(name)
	c := &claim{
		nodes: make([]node, len(l.nodes)), scripts: l.scripts,
		keys: []string{key, key + ":fence"}, round: part(l.cfg.TTL, patience(len(l.nodes))),
	}
	pools := make([]redsyncredis.Pool, len(l.nodes))
	for i, rdb := range l.nodes {
		c.nodes[i] = node{Pool: goredis.NewPool(rdb.Write()), rdb: rdb.Write(), claim: c}
		pools[i] = &c.nodes[i]
	}
	c.mutex = redsync.New(pools...).NewMutex(key, l.tuning...)
	return c
}

// take takes the lock on more than half of the nodes or on none. It returns
// ErrNotAcquired when a node has it for another.
func (c *claim) take(ctx context.Context) error {
	c.begun = time.Now()
	if err := c.mutex.TryLockContext(ctx); err != nil {
		return notTaken(err)
	}
	for i := range c.nodes {
		c.fence = max(c.fence, c.nodes[i].fence)
	}
	if len(c.nodes) == 1 {
		return nil
	}
	return c.spread(ctx)
}

// spread lets a majority of the nodes know the fence: the next holder shares
// one of them, so its fence is higher even where their clocks differ. A lock
// that is lost meanwhile was not acquired.
func (c *claim) spread(ctx context.Context) error {
	err := c.renew(ctx)
	if err != nil {
		c.script = ""
		_, _ = c.mutex.UnlockContext(ctx)
	}
	if errors.Is(err, ErrLost) {
		return ErrNotAcquired
	}
	return err
}

// renew has the lock last for another TTL, on more than half of the nodes. It
// returns ErrLost when too many of them have it for another or for nobody.
func (c *claim) renew(ctx context.Context) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.round)
	defer cancel()
	c.script = "renew"
	err := notHeld(c.mutex.ExtendContext(ctx))
	if err == nil {
		c.begun = begun
	}
	return err
}

// release frees the lock and wakes who waits for it, and returns ErrLost like
// renew.
func (c *claim) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.round)
	defer cancel()
	c.script = "release"
	return notHeld(c.mutex.UnlockContext(ctx))
}

// notTaken tells a lock that another holds, be it on one node, from a failure.
func notTaken(err error) error {
	_, byMost := errors.AsType[*redsync.ErrTaken](err)
	_, bySome := errors.AsType[*redsync.ErrNodeTaken](err)
	if byMost || bySome {
		return ErrNotAcquired
	}
	return err
}

// notHeld tells a lock that is no longer ours from one that may still be,
// because nodes did not answer.
func notHeld(done bool, err error) error {
	if done {
		return nil
	}
	if _, failed := errors.AsType[*redsync.RedisError](err); failed {
		return err
	}
	return fmt.Errorf("%w: it was taken or expired", ErrLost)
}
