// Package holds keeps, in Redis, how many open orders each user has, so that
// nobody hoards stock by orders that are never paid: whoever has as many as the
// cap places no further one until one is paid or closed, and an order that
// lapsed unpaid counts on for a penalty.
//
// It is protection from abuse and stands beside the truth, which is SQL. Redis
// that is away, slow or full lets everybody pass, at once; an emptied one has
// forgotten. What is counted is forgotten by itself when the order's deadline
// has passed, so that nothing that is lost on the way counts for ever.
package holds

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/redisclient"
	"souk.example/services/order/internal/order"
)

// slack is how much longer than to its deadline an order counts: until the one
// who cancels it has come to it.
const slack = time.Minute

// Config of a Ledger; the zero value of Timeout and RetryPause asks for the
// default.
type Config struct {
	Max       int           // open orders of one user; 0 is any number, and Redis is never asked
	PayWithin time.Duration // from an order's placement to its deadline
	Penalty   time.Duration // for which a lapsed order counts after its deadline; 0 for none

	Timeout    time.Duration // of one request to Redis; default 100 ms
	RetryPause time.Duration // during which a Redis that failed is not asked; default 1 s

	Log *slog.Logger // told when Redis fails and when it is back; nil discards
}

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, 100*time.Millisecond)
	c.RetryPause = cmp.Or(c.RetryPause, time.Second)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c
}

// Ledger counts open orders: it implements order.Holds, and store.Listener. Run
// it once. Safe for concurrent use.
type Ledger struct {
	cfg      Config
	remote   *remote
	metrics  metrics
	released chan []order.Release
}

// New makes a Ledger that counts in rdb and registers its figures with reg. It
// asks nothing of Redis, so it succeeds while Redis is down.
func New(rdb *redisclient.Client, cfg Config, reg prometheus.Registerer) (*Ledger, error) {
	cfg = cfg.withDefaults()
	r, err := newRemote(rdb, cfg)
	if err != nil {
		return nil, err
	}
	l := &Ledger{cfg: cfg, remote: r, metrics: newMetrics(), released: make(chan []order.Release, queueMax)}
	return l, l.metrics.register(reg)
}

// Take implements order.Holds. It blocks for one round trip, for Config.Timeout
// at most, and in an outage not at all.
func (l *Ledger) Take(ctx context.Context, keys []order.Key) []order.Slot {
	slots := make([]order.Slot, len(keys))
	if l.cfg.Max == 0 {
		return slots
	}
	calls := byUser(keys)
	for _, c := range calls {
		c.script, c.args = "take", []any{l.cfg.Max, ms(l.cfg.PayWithin + slack), l.forgetAfter()}
	}
	l.remote.run(ctx, calls)
	for _, c := range calls {
		l.answer(c, slots)
	}
	return slots
}

// answer puts what a call took into its places of slots.
func (l *Ledger) answer(c *call, slots []order.Slot) {
	got, err := c.reply.Int64Slice()
	if err != nil || len(got) != len(c.places)+1 {
		l.metrics.failures.WithLabelValues("take").Add(float64(len(c.places)))
		return
	}
	for i, place := range c.places {
		switch got[i] {
		case 1:
			slots[place].Taken = true
		case 2:
			slots[place].Cap = l.cfg.Max
			slots[place].FreeIn = time.Duration(got[len(got)-1]) * time.Millisecond
			l.metrics.refused.Inc()
		}
	}
}

// Free implements order.Holds. It blocks like Take.
func (l *Ledger) Free(ctx context.Context, keys []order.Key) {
	if l.cfg.Max == 0 {
		return
	}
	l.strike(ctx, byUser(keys))
}

// strike runs calls that nobody waits for the answers of.
func (l *Ledger) strike(ctx context.Context, calls []*call) {
	l.remote.run(ctx, calls)
	for _, c := range calls {
		if c.reply.Err() != nil {
			l.metrics.failures.WithLabelValues("free").Add(float64(len(c.places)))
		}
	}
}

// forgetAfter is longer than anything counts.
func (l *Ledger) forgetAfter() int64 { return ms(max(l.cfg.PayWithin+slack, l.cfg.Penalty)) }

func ms(d time.Duration) int64 { return d.Milliseconds() }
