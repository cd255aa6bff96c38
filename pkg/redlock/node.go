package redlock

import (
	"context"
	"errors"
	"runtime"
	"time"

	redsyncredis "github.com/go-redsync/redsync/v4/redis"
	"github.com/redis/go-redis/v9"
)

// giveBack bounds how long an acquisition outlives its context in order to
// free what it has taken.
const giveBack = 250 * time.Millisecond

// node is one Redis as a claim sees it: redsync's pool of its connections,
// which run our scripts. redsync asks it one thing at a time.
type node struct {
	redsyncredis.Pool
	rdb   redis.UniversalClient
	claim *claim

	fence   int64 // issued by this node, zero when it issued none
	refused bool  // it has the lock for another
}

// Get is the first thing that redsync does in a goroutine of its own.
func (n *node) Get(ctx context.Context) (redsyncredis.Conn, error) {
	growStack()
	theirs, err := n.Pool.Get(ctx)
	return conn{Conn: theirs, node: n, ctx: ctx}, err
}

// growStack has a new goroutine's stack grow at once to what go-redis needs,
// while there is little to copy, instead of step by step on the way: a tenth of
// the median time of a lock and unlock. CockroachDB's pkg/util/growstack does so.
//
//go:noinline
func growStack() {
	var room [8 << 10]byte
	runtime.KeepAlive(&room)
}

// conn is redsync's connection over go-redis, but for what takes, renews and
// frees a lock. It serves one call.
type conn struct {
	redsyncredis.Conn
	node *node
	ctx  context.Context // of the call
}

// SetNX is how redsync takes a lock. The node keeps the fence for the claim.
func (c conn) SetNX(_, value string, ttl time.Duration) (bool, error) {
	fence, err := c.run("acquire", value, ttl.Milliseconds(), fenceTTL.Milliseconds()).Int64()
	c.node.fence, c.node.refused = fence, errors.Is(err, redis.Nil)
	if c.node.refused {
		return false, nil
	}
	return err == nil, err
}

// Eval is how redsync renews a lock and how it frees one. The arguments of its
// scripts are the first of ours.
func (c conn) Eval(theirs *redsyncredis.Script, keysAndArgs ...any) (any, error) {
	claim, args := c.node.claim, keysAndArgs[theirs.KeyCount:]
	switch claim.script {
	case "":
		return c.undo(theirs, args)
	case "renew":
		args = append(args, claim.fence, fenceTTL.Milliseconds())
	}
	return c.run(claim.script, args...).Result()
}

// undo frees what this node may have of a lock that was taken in vain, also
// when the context has ended. redsync's own script wakes nobody: two waiters
// that have divided the nodes between them would wake each other for ever.
func (c conn) undo(theirs *redsyncredis.Script, args []any) (any, error) {
	if c.node.refused {
		return int64(0), nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), giveBack)
	defer cancel()
	return redis.NewScript(theirs.Src).Run(ctx, c.node.rdb, c.node.claim.keys[:1], args...).Result()
}

func (c conn) run(script string, args ...any) *redis.Cmd {
	return c.node.claim.scripts.Run(c.ctx, c.node.rdb, script, c.node.claim.keys, args...)
}
