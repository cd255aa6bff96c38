package cache

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// call is one run of a script on one key.
type call struct {
	key  string
	args []any
}

// run runs the named script for every call in one round trip; in a cluster, in
// one to each node. A node that does not know the script gets it, and those
// calls again: they had no effect.
func (r *remote) run(ctx context.Context, name string, calls []call) []*redis.Cmd {
	cmds := make([]*redis.Cmd, len(calls))
	if len(calls) == 1 {
		cmds[0] = r.scripts.Run(ctx, r.rdb.Write(), name, []string{calls[0].key}, calls[0].args...)
		return cmds
	}
	_, _ = r.rdb.Write().Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range calls {
			cmds[i] = r.scripts[name].EvalSha(ctx, p, []string{c.key}, c.args...)
		}
		return nil
	}) // each command has its own error
	for i, c := range calls {
		if redis.HasErrorPrefix(cmds[i].Err(), "NOSCRIPT") {
			cmds[i] = r.scripts.Run(ctx, r.rdb.Write(), name, []string{c.key}, c.args...)
		}
	}
	return cmds
}

// getAll puts what each key holds into held, in one round trip: nothing for the
// absent and those that could not be asked for, whose errors it joins. Like get it
// takes no longer than redisclient.Config.IOTimeout.
func (r *remote) getAll(ctx context.Context, keys []string, held [][]byte) (err error) {
	if len(keys) == 1 {
		held[0], err = r.get(ctx, keys[0])
		return err
	}
	full := make([]string, len(keys))
	for i, key := range keys {
		full[i] = r.prefix + key
	}
	if _, cluster := r.rdb.Read().(*redis.ClusterClient); cluster {
		return r.getEach(ctx, full, held)
	}
	values, err := r.rdb.Read().MGet(r.rdb.Bound(ctx), full...).Result()
	for i, v := range values {
		if s, ok := v.(string); ok {
			held[i] = []byte(s)
		}
	}
	return r.health.heed(ctx, err)
}

// getEach is for a cluster, where one MGET must not span slots. Elsewhere MGET
// is faster: 97 against 164 µs for 100 keys.
func (r *remote) getEach(ctx context.Context, full []string, held [][]byte) error {
	cmds := make([]*redis.StringCmd, len(full))
	_, _ = r.rdb.Read().Pipelined(r.rdb.Bound(ctx), func(p redis.Pipeliner) error {
		for i, key := range full {
			cmds[i] = p.Get(ctx, key)
		}
		return nil
	}) // each command has its own error
	errs := make([]error, len(full))
	for i, cmd := range cmds {
		held[i], errs[i] = cmd.Bytes()
		errs[i] = r.health.heed(ctx, errs[i])
	}
	return errors.Join(errs...)
}
