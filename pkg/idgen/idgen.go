// Package idgen issues time-ordered 63-bit ids that are unique per database.
package idgen

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/database"
)

// Config of a Worker.
type Config struct {
	Datacenter int           `env:"SOUK_ID_DATACENTER" usage:"this datacenter's number in ids"`
	WorkerBits int           `env:"SOUK_ID_WORKER_BITS" usage:"bits of an id for the worker; the rest of 10 is the datacenter's (default 5)"`
	LeaseTTL   time.Duration `env:"SOUK_ID_LEASE_TTL" usage:"how long a crashed process keeps its worker number (default 15s)"`
	Owner      string        `env:"SOUK_ID_OWNER" usage:"name in the lease table (default host, pid and a random part)"`
}

// Worker issues ids.
type Worker struct{}

// Parts of an id.
type Parts struct {
	Time     time.Time
	Machine  int
	Sequence int
}

func New(db *database.DB, cfg Config) *Worker       { return &Worker{} }
func Static(worker int) *Worker                     { return &Worker{} }
func (w *Worker) Acquire(ctx context.Context) error { return errors.New("not built") }
func (w *Worker) Run(ctx context.Context) error     { return errors.New("not built") }
func (w *Worker) Next() (int64, error)              { return 0, errors.New("not built") }
func Parse(id int64) Parts                          { return Parts{} }
