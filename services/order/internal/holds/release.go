package holds

import (
	"context"

	"github.com/redis/go-redis/v9"

	"souk.example/services/order/internal/order"
)

const (
	// queueMax bounds the commits whose releases wait for Redis; one has as many
	// as a batch at most. What comes beyond is not struck off.
	queueMax = 1024
	// strikeMax is about how many releases share a round trip.
	strikeMax = 1000
)

// Release has the orders' slots freed, or count for the penalty, as soon as Run
// comes to it. It does not block; what is lost counts until the deadline.
func (l *Ledger) Release(orders []order.Release) {
	if l.cfg.Max == 0 {
		return
	}
	select {
	case l.released <- orders:
	default:
		l.metrics.failures.WithLabelValues("free").Add(float64(len(orders)))
	}
}

// Run strikes off what Release was told until ctx ends and nothing waits.
func (l *Ledger) Run(ctx context.Context) error {
	striking := context.WithoutCancel(ctx)
	for {
		var first []order.Release
		select {
		case first = <-l.released:
		case <-ctx.Done():
			select {
			case first = <-l.released:
			default:
				return nil
			}
		}
		l.strike(striking, l.gather(first))
	}
}

// gather adds what waits already.
func (l *Ledger) gather(orders []order.Release) []order.Release {
	for len(orders) < strikeMax {
		select {
		case more := <-l.released:
			orders = append(orders, more...)
		default:
			return orders
		}
	}
	return orders
}

// strike frees the orders' slots, or has them count for the penalty from now on,
// whatever became of them.
func (l *Ledger) strike(ctx context.Context, orders []order.Release) {
	cmds := make([]*redis.IntCmd, len(orders))
	till := float64(l.cfg.Now().Add(l.cfg.Penalty).UnixMilli())
	err := l.remote.pipeline(ctx, func(p redis.Pipeliner) {
		for i, o := range orders {
			name := nameOf(o.Key.User)
			if !o.Lapsed || l.cfg.Penalty == 0 {
				cmds[i] = p.ZRem(ctx, name, digest(o.Key))
				continue
			}
			cmds[i] = p.ZAdd(ctx, name, redis.Z{Score: till, Member: digest(o.Key)})
			p.PExpire(ctx, name, l.cfg.keep())
		}
	})
	if err != nil {
		l.metrics.failures.WithLabelValues("free").Add(failed(cmds))
	}
}
