// Package outbox publishes events exactly when their transaction stands.
package outbox

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/telemetry"
)

// IDs issues unique ids.
type IDs interface{ Next() (int64, error) }

// Config of an outbox.
type Config struct {
	Source       string                           `env:"-"`
	Topics       []string                         `env:"-"`
	Partitions   int32                            `env:"-"`
	Partition    func(key string, n int32) int32 `env:"-"`
	BatchMax     int                              `env:"SOUK_BATCH_MAX" envDefault:"500"`
	MaxPackBytes int                              `env:"SOUK_OUTBOX_MAX_PACK_BYTES"`
	LeaseTTL     time.Duration                    `env:"SOUK_OUTBOX_LEASE_TTL"`
	Owner        string                           `env:"-"`
}

// Outbox appends and relays.
type Outbox struct{}

// New makes an outbox.
func New(db *database.DB, ids IDs, pub eventbus.Publisher, cfg Config, t *telemetry.Telemetry) *Outbox {
	return &Outbox{}
}

// Append stores events in tx.
func (o *Outbox) Append(ctx context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error {
	return errors.New("not built")
}

// Run relays.
func (o *Outbox) Run(ctx context.Context) error { return errors.New("not built") }

// Migrations is the schema.
func Migrations() database.Migrations { return database.Migrations{} }
