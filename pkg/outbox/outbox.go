// Package outbox publishes events that were committed together with the rows
// they tell of (the transactional outbox).
//
// [Outbox.Append] packs events and stores them in the caller's transaction: the
// pack in event_log, which keeps it for good, and a pointer to it in outbox.
// [Outbox.Run] relays: it publishes what the pointers name and then deletes
// exactly those pointers that the broker has acknowledged, a moment later and
// many at once. It always reads from the first pointer on, but for those that it
// is about to delete, never from a cursor, because a transaction with a lower id
// may commit after one with a higher id.
//
// A partition is relayed by one process at a time, under a lease in SQL. So
// its packs keep their order while nothing fails. When something does, packs
// may arrive twice or out of order, but each of them arrives.
package outbox

import (
	"context"
	"log/slog"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/telemetry"
)

// IDs issues unique ids, each higher than those before it from the same IDs.
type IDs interface{ Next() (int64, error) }

// Outbox appends and relays events. Append is safe for concurrent use.
type Outbox struct {
	db         *database.DB
	ids        IDs
	pub        eventbus.Publisher
	cfg        Config
	log        *slog.Logger
	metrics    *metrics
	tracer     trace.Tracer
	partitions map[address]*partition
	working    atomic.Int32 // loops that do not wait for a token
}

// address names a partition.
type address struct {
	topic string
	part  int32
}

// New makes an Outbox. Only one per Telemetry, because its metrics have names.
// An incomplete cfg makes Append and Run fail.
func New(db *database.DB, ids IDs, pub eventbus.Publisher, cfg Config, t *telemetry.Telemetry) *Outbox {
	o := &Outbox{
		db: db, ids: ids, pub: pub, cfg: cfg.withDefaults(), log: t.Logger, tracer: t.Tracer,
		partitions: make(map[address]*partition),
	}
	for _, topic := range cfg.Topics {
		for part := range cfg.Partitions {
			a := address{topic, part}
			o.partitions[a] = &partition{address: a, working: &o.working, woken: make(chan struct{}, 1)}
		}
	}
	o.metrics = newMetrics(t.Registry, o)
	return o
}

// Run relays until ctx ends, then finishes the batches in hand, gives its
// partitions back and returns nil. Without a Run somewhere the events wait.
// Failures of the database and of the broker are retried for ever; only an
// incomplete Config is an error. Call it once.
func (o *Outbox) Run(ctx context.Context) error {
	if err := o.cfg.complete(); err != nil {
		return err
	}
	newRelay(o).run(ctx)
	return nil
}
