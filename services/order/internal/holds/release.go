package holds

import (
	"context"

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
		l.strike(striking, l.calls(l.gather(first)))
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

// calls are the steps that orders leave by: a removal, or the penalty.
func (l *Ledger) calls(orders []order.Release) []*call {
	var free, lapsed []order.Key
	for _, o := range orders {
		if o.Lapsed && l.cfg.Penalty > 0 {
			lapsed = append(lapsed, o.Key)
		} else {
			free = append(free, o.Key)
		}
	}
	penalties := byUser(lapsed)
	for _, c := range penalties {
		c.script, c.args = "lapse", []any{ms(l.cfg.Penalty), l.forgetAfter()}
	}
	return append(byUser(free), penalties...)
}
