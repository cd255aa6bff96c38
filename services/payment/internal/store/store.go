// Package store keeps payments, wallets and the ledger in SQL. The hot path,
// settling a batch, is hand-written multi-row statements.
package store

import (
	"context"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/services/payment/internal/payment"
)

// Outbox takes the events that a unit emits into the unit's transaction.
type Outbox interface {
	Append(ctx context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error
}

// Store implements payment.Wallets and makes units. Safe for concurrent use.
type Store struct{ db *database.DB }

// New makes a Store over db.
func New(db *database.DB) *Store { return &Store{db: db} }

// NewUnit makes a unit of a transaction that somebody else commits, the inbox,
// emitting through outbox.
func NewUnit(tx *database.Tx, outbox Outbox) payment.Unit { return unit{tx: tx, outbox: outbox} }

// unit implements payment.Unit.
type unit struct {
	tx     *database.Tx
	outbox Outbox
}
