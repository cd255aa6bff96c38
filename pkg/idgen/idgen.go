// Package idgen makes snowflake ids.
package idgen

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/database"
)

// Config of a worker.
type Config struct{}

// Worker issues ids.
type Worker struct{}

// Parts of an id.
type Parts struct {
	Time     time.Time
	Worker   int
	Sequence int
}

// New makes a worker.
func New(db *database.DB, cfg Config) *Worker { return &Worker{} }

// Static makes a worker without a lease.
func Static(worker int) *Worker { return &Worker{} }

// Acquire takes a lease.
func (w *Worker) Acquire(ctx context.Context) error { return errors.New("not built") }

// Run renews it.
func (w *Worker) Run(ctx context.Context) error { return errors.New("not built") }

// Next issues an id.
func (w *Worker) Next() (int64, error) { return 0, errors.New("not built") }

// Parse splits an id.
func Parse(id int64) Parts { return Parts{} }

// Migrations is the schema.
func Migrations() database.Migrations { return database.Migrations{} }
