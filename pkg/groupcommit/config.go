package groupcommit

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config bounds a committer. Zero fields take the defaults named in the tags.
type Config struct {
	BatchMax int `env:"SOUK_BATCH_MAX" envDefault:"1000" usage:"most requests or events in one transaction"`
	QueueMax int `env:"SOUK_QUEUE_MAX" envDefault:"10000" usage:"most requests that wait for a transaction"`
	// Timeout bounds one attempt to flush.
	Timeout time.Duration `env:"SOUK_FLUSH_TIMEOUT" envDefault:"10s" usage:"longest attempt to commit a batch"`
	// Attempts bounds how often a batch is flushed that fails with errors that
	// Retry accepts.
	Attempts int `env:"SOUK_FLUSH_ATTEMPTS" envDefault:"3" usage:"attempts to commit a batch"`
	// Retry reports whether a flush that failed with this error is worth the
	// same batch again: it failed for a passing reason, or whether it took
	// effect is unknown and flushing again finds out. Nil stands for never.
	Retry func(error) bool `env:"-"`
	// Pace tells how long requests are to gather before the next batch; it is
	// asked before each. Nil stands for not at all.
	Pace func() time.Duration `env:"-"`
	// Cadence is the longest time from the beginning of one batch to that of the
	// next, see package cadence. Zero stands for none.
	Cadence time.Duration `env:"-"`
	// Sizes is told how many requests each batch holds. Nil stands for nobody.
	Sizes prometheus.Observer `env:"-"`
}

func (c Config) withDefaults() Config {
	if c.BatchMax == 0 {
		c.BatchMax = 1000
	}
	if c.QueueMax == 0 {
		c.QueueMax = 10000
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Attempts == 0 {
		c.Attempts = 3
	}
	if c.Retry == nil {
		c.Retry = func(error) bool { return false }
	}
	if c.Pace == nil {
		c.Pace = func() time.Duration { return 0 }
	}
	if c.Sizes == nil {
		c.Sizes = prometheus.ObserverFunc(func(float64) {})
	}
	return c
}

// Validate reports negative bounds.
func (c Config) Validate() error {
	if c.BatchMax < 0 || c.QueueMax < 0 || c.Timeout < 0 || c.Attempts < 0 {
		return errors.New("groupcommit: bounds must not be negative")
	}
	return nil
}
