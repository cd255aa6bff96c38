package holds

import (
	"context"
	"embed"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/services/order/internal/order"
)

//go:embed *.lua
var luaFiles embed.FS

// add takes a slot for each key, be there one or not, and then counts. It
// returns the places of those beyond the cap. Nearly nobody is, which is why the
// script that decides on them is not asked about everybody: a plain command
// costs Redis less, and an embedded one far less.
func (l *Ledger) add(ctx context.Context, keys []order.Key, now time.Time, slots []order.Slot) (beyond []int) {
	added, counts := make([]*redis.IntCmd, len(keys)), make([]*redis.IntCmd, len(keys))
	till := float64(now.Add(l.cfg.PayWithin + slack).UnixMilli())
	err := l.remote.pipeline(ctx, func(p redis.Pipeliner) {
		for i, k := range keys {
			name := nameOf(k.User)
			added[i] = p.ZAddNX(ctx, name, redis.Z{Score: till, Member: digest(k)})
			counts[i] = p.ZCard(ctx, name)
			p.PExpire(ctx, name, l.cfg.keep())
		}
	})
	if err != nil {
		l.metrics.failures.WithLabelValues("take").Add(failed(added))
	}
	for i := range keys {
		if added[i] == nil || added[i].Err() != nil {
			continue // it is not counted, so it passes
		}
		slots[i].Taken = added[i].Val() == 1
		if counts[i].Val() > int64(l.cfg.Max) {
			beyond = append(beyond, i)
		}
	}
	return beyond
}

// group is what is asked about one user.
type group struct {
	user   order.UserID
	places []int // of the keys among all
	args   []any // of the script: each key's digest, and whether it took its slot
}

func byUser(keys []order.Key, slots []order.Slot, places []int) []*group {
	var groups []*group
	of := make(map[order.UserID]*group)
	for _, i := range places {
		g := of[keys[i].User]
		if g == nil {
			g = &group{user: keys[i].User}
			of[g.user], groups = g, append(groups, g)
		}
		g.places, g.args = append(g.places, i), append(g.args, digest(keys[i]), slots[i].Taken)
	}
	return groups
}

// review decides who of those beyond the cap passes, because others have run
// out, and who does not.
func (l *Ledger) review(ctx context.Context, groups []*group, now time.Time, slots []order.Slot) {
	replies := make([]*redis.Cmd, len(groups))
	ask := func(p redis.Pipeliner) {
		for i, g := range groups {
			args := append([]any{l.cfg.Max, now.UnixMilli()}, g.args...)
			replies[i] = l.scripts["review"].EvalSha(ctx, p, []string{nameOf(g.user)}, args...)
		}
	}
	err := l.remote.pipeline(ctx, ask)
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // to repeat a call changes nothing
		err = l.remote.load(ctx, l.scripts["review"])
		if err == nil {
			err = l.remote.pipeline(ctx, ask)
		}
	}
	if err != nil {
		l.metrics.failures.WithLabelValues("take").Add(failed(replies))
	}
	for i, g := range groups {
		if replies[i] != nil {
			l.settle(g, replies[i], slots)
		}
	}
}

// settle puts what was decided about a user into its places of slots.
func (l *Ledger) settle(g *group, reply *redis.Cmd, slots []order.Slot) {
	kept, err := reply.Int64Slice()
	if err != nil || len(kept) != len(g.places)+1 {
		return
	}
	wait := time.Duration(kept[len(g.places)]) * time.Millisecond
	for i, place := range g.places {
		if kept[i] == 0 {
			slots[place] = order.Slot{Cap: l.cfg.Max, FreeIn: wait}
			l.metrics.refused.Inc()
		}
	}
}
