// Package store keeps products, stock and reservations in SQL. The hot path,
// settling a batch, is hand-written multi-row statements; rows of one table
// are always locked in the order of their keys, reservations before products
// before stock. Reservations that are new or recalled are not locked before they
// are written, which is after the stock: two processes that have the same orders
// in hand, after a rebalance, may meet in a deadlock, which the database ends and
// InTx runs again.
package store

import (
	"context"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/services/inventory/internal/inventory"
)

// Outbox takes the events that a unit emits into the unit's transaction.
type Outbox interface {
	Append(ctx context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error
}

// IDs hands out the ids of ledger batches.
type IDs interface{ Next() (int64, error) }

// Store implements inventory.Catalogue and makes units. Safe for concurrent use.
type Store struct {
	db     *database.DB
	outbox Outbox
	ids    IDs
	memory *memory
}

// New makes a Store over db, emitting through outbox.
func New(db *database.DB, outbox Outbox, ids IDs) *Store {
	return &Store{db: db, outbox: outbox, ids: ids, memory: newMemory()}
}

// Unit makes a unit of a transaction that somebody else commits: the inbox.
func (s *Store) Unit(tx *database.Tx) inventory.Unit { return unit{Store: s, tx: tx} }

// unit implements inventory.Unit.
type unit struct {
	*Store
	tx *database.Tx
}
