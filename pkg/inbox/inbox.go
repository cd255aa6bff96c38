// Package inbox applies a topic's events to a database, each exactly once.
//
// Per group and process there is one funnel: the records of all partitions
// this process has go through it, and are applied in batches. A batch is one
// transaction that holds the handler's effects and how far each partition has
// come; Kafka's offset is committed after it. A process that dies between the
// two gets the records again, so the handler recognises by its own keys what
// it has done: an offset is a bookmark, never the proof.
//
// An event that cannot be applied is parked, with the later events of its key,
// in SQL, and everything else goes on. It is tried again after each of
// Config.Retries, and is then dead: it waits, with a copy on [DeadLetterTopic],
// for an operator, whose view of it is [Letters]. See Batch for what a handler
// may return.
package inbox

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/cadence"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/telemetry"
)

// IDs issues the ids of dead letters.
type IDs interface{ Next() (int64, error) }

// Bus is where events come from, and where copies of dead ones go.
type Bus interface {
	eventbus.Consumer
	eventbus.Publisher
}

// DeadLetterTopic names the topic that holds a copy of each record or event
// that a group has given up. It must exist, with one partition at least.
func DeadLetterTopic(group string) string { return group + ".dlq" }

// Inbox applies events for one group. Make one with New.
type Inbox struct {
	db      *database.DB
	bus     Bus
	ids     IDs
	cfg     Config
	handler Batch
	logger  *slog.Logger
	metrics *metrics
	tracer  trace.Tracer
	known   vocabulary

	items   chan item // from the claims to the funnel
	cadence cadence.Cadence

	mu     sync.Mutex
	claims map[*source]struct{} // those that are being read
}

// New returns an inbox that applies what bus delivers to cfg's group with h.
// Its tables must exist in db: see Migrations.
func New(db *database.DB, bus Bus, ids IDs, cfg Config, h Batch, t *telemetry.Telemetry) *Inbox {
	cfg = cfg.withDefaults()
	i := &Inbox{
		db:      db,
		bus:     bus,
		ids:     ids,
		cfg:     cfg,
		handler: h,
		logger:  t.Logger.With(slog.String("group", cfg.Group)),
		metrics: newMetrics(t.Registry, cfg.Group),
		tracer:  t.Tracer,
		known:   newVocabulary(cfg.Types),
		items:   make(chan item, buffered),
		cadence: cadence.Cadence{Longest: cfg.Cadence},
		claims:  make(map[*source]struct{}),
	}
	register(t.Registry, newLags(i))
	return i
}

// Run consumes until ctx ends; then it finishes the batch in hand, commits it,
// and returns nil. An error means that the bus gave up. It must be called once.
func (i *Inbox) Run(ctx context.Context) error {
	if err := i.cfg.complete(); err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	var crew sync.WaitGroup
	crew.Go(func() { i.pump(ctx) })
	crew.Go(func() { newRedriver(i).run(running) })
	err := i.bus.Consume(ctx, i.cfg.Group, i.cfg.Topics, i.read)
	close(i.items) // every claim has returned
	stop()
	crew.Wait()
	if err != nil {
		return fmt.Errorf("consume for group %s: %w", i.cfg.Group, err)
	}
	return nil
}

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the inbox's tables: consumer_progress, parked_key and
// dead_letter. They belong in the database that the handlers write to, and
// serve any number of groups.
func Migrations() database.Migrations {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the directory is compiled in
	}
	return database.Migrations{Name: "inbox", FS: dir}
}
