package inbox

import (
	"errors"
	"slices"
	"time"
)

// buffered is how many records may wait for the funnel while a batch is being
// applied: enough for the next batch, whatever the size of the packs.
const buffered = 256

// Config describes one group. Group, Topics and Types are code, the rest is
// configuration; zero values take the defaults named in the tags.
type Config struct {
	Group  string   `env:"-"`
	Topics []string `env:"-"`
	// Types are the event types the handler understands. Others are counted
	// and ignored, but one that differs only in its version is parked. None
	// stands for all.
	Types []string `env:"-"`

	// BatchMax is the number of events at which a batch is full. Records are
	// applied whole, so the last one may exceed it.
	BatchMax int `env:"SOUK_BATCH_MAX" envDefault:"4000" usage:"most requests or events in one transaction"`
	// Linger is the longest wait for records that are known to be coming. When
	// none are, a batch is applied at once.
	Linger time.Duration `env:"SOUK_INBOX_LINGER" envDefault:"10ms" usage:"longest wait for a fuller batch"`
	// Cadence is the longest time from the beginning of one batch to that of the
	// next. Only batches of many events are spaced, see package cadence. A stop
	// waits for it, and so does a partition that is taken away.
	Cadence time.Duration `env:"SOUK_INBOX_CADENCE" envDefault:"70ms" usage:"longest time from one batch to the next, under load; 1ns for none"`
	// Timeout bounds one attempt to apply a batch, and how long a partition
	// that is taken away waits for its records in hand.
	Timeout time.Duration `env:"SOUK_INBOX_TIMEOUT" envDefault:"30s" usage:"longest attempt to apply a batch"`
	// Retries are the waits before a parked event is tried again; after the
	// last of them it is dead, and waits for an operator.
	Retries []time.Duration `env:"SOUK_INBOX_RETRIES" envDefault:"5s,1m,10m" usage:"waits before a parked event is tried again; then it is dead"`
	// RetryPoll is how often a process looks for parked events that are due.
	RetryPoll time.Duration `env:"SOUK_INBOX_RETRY_POLL" envDefault:"1s" usage:"how often to look for parked events that are due"`
}

func (c Config) withDefaults() Config {
	if c.BatchMax == 0 {
		c.BatchMax = 4000
	}
	if c.Linger == 0 {
		c.Linger = 10 * time.Millisecond
	}
	if c.Cadence == 0 {
		c.Cadence = 70 * time.Millisecond
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if len(c.Retries) == 0 {
		c.Retries = []time.Duration{5 * time.Second, time.Minute, 10 * time.Minute}
	}
	if c.RetryPoll == 0 {
		c.RetryPoll = time.Second
	}
	return c
}

// Validate reports tunables that cannot work.
func (c Config) Validate() error {
	negative := func(d time.Duration) bool { return d < 0 }
	if c.BatchMax < 0 || c.Linger < 0 || c.Cadence < 0 || c.Timeout < 0 || c.RetryPoll < 0 || slices.ContainsFunc(c.Retries, negative) {
		return errors.New("inbox: bounds must not be negative")
	}
	return nil
}

// complete reports what the program, not the operator, left out.
func (c Config) complete() error {
	if c.Group == "" || len(c.Group) > 64 || len(c.Topics) == 0 {
		return errors.New("inbox: Config needs Topics and a Group of at most 64 bytes")
	}
	return c.Validate()
}
