// Package store keeps orders in SQL. The hot paths (intake, facts) are
// hand-written multi-row statements; queries are GORM.
package store

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/services/order/internal/order"
)

// Outbox takes the events that a unit emits into the unit's transaction.
type Outbox interface {
	Append(ctx context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error
}

// Listener hears of orders that are open no more.
type Listener interface {
	// Release is told after the commit. It must not block.
	Release(orders []order.Release)
}

// Herald hears of orders that were placed or moved.
type Herald interface {
	// Moved is told after the commit. It must neither block nor change them.
	Moved(orders []*order.State)
}

// Store implements order.Store and order.Reader. Safe for concurrent use.
type Store struct {
	db          *database.DB
	outbox      Outbox
	listener    Listener
	herald      Herald
	completions prometheus.Observer
	entered     *prometheus.CounterVec
	memory      *memory
	known       known
}

// Option changes how a Store is made.
type Option func(*Store)

// WithListener has l told of orders that were paid, rejected or cancelled.
func WithListener(l Listener) Option { return func(s *Store) { s.listener = l } }

// WithHerald has h told of every order that was placed or moved.
func WithHerald(h Herald) Option { return func(s *Store) { s.herald = h } }

// New makes a Store over db, emitting through outbox.
func New(db *database.DB, outbox Outbox, opts ...Option) *Store {
	s := &Store{db: db, outbox: outbox, entered: newEntered(), memory: newMemory()}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// InUnit implements order.Store.
func (s *Store) InUnit(ctx context.Context, fn func(ctx context.Context, u order.Unit) error) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { return fn(ctx, s.Unit(tx)) })
}

// Unit makes a unit of a transaction that somebody else commits: the inbox.
func (s *Store) Unit(tx *database.Tx) order.Unit {
	return unit{tx: tx, outbox: s.outbox, listener: s.listener, herald: s.herald, completions: s.completions, entered: s.entered, memory: s.memory}
}

// unit implements order.Unit.
type unit struct {
	tx          *database.Tx
	outbox      Outbox
	listener    Listener            // nil for none
	herald      Herald              // nil for none
	completions prometheus.Observer // nil for none
	entered     *prometheus.CounterVec
	memory      *memory
}

// Now implements order.Unit.
func (u unit) Now(ctx context.Context) (time.Time, error) { return u.tx.Now(ctx) }
