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
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/redisclient"
	"souk.example/services/order/internal/order"
)

// slack is how much longer than to its deadline an order counts: until the one
// who cancels it has come to it, however replicas' clocks differ.
const slack = time.Minute

// Config of a Ledger; the zero value of a field below Penalty asks for its
// default.
type Config struct {
	Max       int           // open orders of one user; 0 is any number, and Redis is never asked
	PayWithin time.Duration // from an order's placement to its deadline
	Penalty   time.Duration // for which a lapsed order counts after its deadline; 0 for none

	Timeout    time.Duration    // of one request to Redis; default 100 ms
	RetryPause time.Duration    // during which a Redis that failed is not asked; default 1 s
	Log        *slog.Logger     // told when Redis fails and when it is back; nil discards
	Now        func() time.Time // default time.Now
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// keep is as long as anything counts at most.
func (c Config) keep() time.Duration { return max(c.PayWithin+slack, c.Penalty) }

// Ledger counts open orders: it implements order.Holds, and store.Listener. Run
// it once. Safe for concurrent use.
type Ledger struct {
	cfg      Config
	remote   counter
	scripts  redisclient.Scripts
	metrics  metrics
	released chan []order.Release
}

// New makes a Ledger that counts in rdb and registers its figures with reg. It
// asks nothing of Redis, so it succeeds while Redis is down.
func New(rdb *redisclient.Client, cfg Config, reg prometheus.Registerer) (*Ledger, error) {
	scripts, err := redisclient.LoadScripts(luaFiles)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	l := &Ledger{
		cfg: cfg, remote: newCounter(rdb, cfg), scripts: scripts, metrics: newMetrics(),
		released: make(chan []order.Release, queueMax),
	}
	return l, l.metrics.register(reg)
}

// Take implements order.Holds. It blocks for one round trip, for two when
// somebody comes beyond the cap, each for Config.Timeout at most, and in an
// outage not at all.
func (l *Ledger) Take(ctx context.Context, keys []order.Key) []order.Slot {
	slots := make([]order.Slot, len(keys))
	if l.cfg.Max == 0 {
		return slots
	}
	now := l.cfg.Now()
	beyond := l.add(ctx, keys, now, slots)
	if len(beyond) > 0 {
		l.review(ctx, byUser(keys, slots, beyond), now, slots)
	}
	return slots
}

// Free implements order.Holds. It blocks for one round trip, as Take does.
func (l *Ledger) Free(ctx context.Context, keys []order.Key) {
	orders := make([]order.Release, len(keys))
	for i, k := range keys {
		orders[i] = order.Release{Key: k}
	}
	if l.cfg.Max > 0 {
		l.strike(ctx, orders)
	}
}
