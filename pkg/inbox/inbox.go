// Package inbox applies events to a database, each exactly once.
package inbox

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/telemetry"
)

// Batch handles events.
type Batch func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error

// IDs issues unique ids.
type IDs interface{ Next() (int64, error) }

// Config of one group.
type Config struct {
	Group    string
	Topics   []string
	Types    []string
	BatchMax int           `env:"SOUK_BATCH_MAX" envDefault:"2000"`
	Linger   time.Duration `env:"SOUK_INBOX_LINGER" envDefault:"10ms"`
}

// Each adapts a handler of one event.
func Each(fn func(ctx context.Context, tx *database.Tx, e eventbus.Event) error) Batch {
	return func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		for _, e := range events {
			if err := fn(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	}
}

// ByType groups a batch by type.
func ByType(handlers map[string]Batch) Batch {
	return func(context.Context, *database.Tx, []eventbus.Event) error { return errors.New("not built") }
}

// Inbox consumes topics for a group.
type Inbox struct{}

// New returns an inbox.
func New(db *database.DB, bus eventbus.Consumer, ids IDs, cfg Config, h Batch, t *telemetry.Telemetry) *Inbox {
	return &Inbox{}
}

// Run consumes until ctx ends.
func (i *Inbox) Run(ctx context.Context) error { return errors.New("not built") }

// Permanent marks err as poison.
func Permanent(err error) error { return err }

// Migrations of the inbox's tables.
func Migrations() database.Migrations { return database.Migrations{} }
