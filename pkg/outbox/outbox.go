// Package outbox publishes events that were committed with the rows they tell of.
package outbox

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/telemetry"
)

// IDs issues unique, time-ordered ids.
type IDs interface{ Next() (int64, error) }

// Config of an Outbox.
type Config struct {
	Source       string                          `env:"-"`
	Topics       []string                        `env:"-"`
	Partitions   int32                           `env:"-"`
	Partition    func(key string, n int32) int32 `env:"-"`
	BatchMax     int                             `env:"SOUK_BATCH_MAX" envDefault:"2000"`
	MaxPackBytes int                             `env:"SOUK_OUTBOX_MAX_PACK_BYTES"`
	LeaseTTL     time.Duration                   `env:"SOUK_OUTBOX_LEASE_TTL"`
	Owner        string                          `env:"SOUK_OUTBOX_OWNER"`
}

// Outbox appends and relays events.
type Outbox struct{}

func New(db *database.DB, ids IDs, pub eventbus.Publisher, cfg Config, t *telemetry.Telemetry) *Outbox {
	return &Outbox{}
}

func (o *Outbox) Append(ctx context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error {
	return errors.New("not built")
}

func (o *Outbox) Run(ctx context.Context) error { return errors.New("not built") }
