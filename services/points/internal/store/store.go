// Package store keeps points in SQL. The hot path, awarding a batch, is
// hand-written multi-row statements; queries are GORM.
package store

import (
	"context"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/services/points/internal/points"
)

// Outbox takes the events that a unit emits into the unit's transaction.
type Outbox interface {
	Append(ctx context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error
}

// Store implements points.Reader. Safe for concurrent use.
type Store struct{ db *database.DB }

// New makes a Store over db.
func New(db *database.DB) *Store { return &Store{db: db} }

// NewUnit makes a unit of a transaction that somebody else commits, the inbox,
// emitting through outbox.
func NewUnit(tx *database.Tx, outbox Outbox) points.Unit { return unit{tx: tx, outbox: outbox} }

// unit implements points.Unit.
type unit struct {
	tx     *database.Tx
	outbox Outbox
}
