package idgen

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// ErrConfig: a setting does not fit the id, or cannot work.
var ErrConfig = errors.New("idgen: bad setting")

// Config of a Worker. The zero value of a field asks for its default.
type Config struct {
	Datacenter int           `env:"SOUK_ID_DATACENTER" usage:"this datacenter's number in ids"`
	WorkerBits int           `env:"SOUK_ID_WORKER_BITS" usage:"bits of an id for the worker (default 5); the rest of 10 is the datacenter's"`
	LeaseTTL   time.Duration `env:"SOUK_ID_LEASE_TTL" usage:"how long a crashed process keeps its worker number (default 15s)"`
	Owner      string        `env:"-"` // in the lease table, for people; unique per process by default

	Log *slog.Logger `env:"-"` // told when a lease is lost, when renewals fail and when they no longer do; nil discards

	// Clock replaces time.Now in tests of clocks that step.
	Clock func() time.Time `env:"-"`
}

// WithDefaults returns what a Worker goes by: 0 stands for the default, and an
// Owner that is not given for one of its own at every call.
func (c Config) WithDefaults() Config {
	c.WorkerBits = cmp.Or(c.WorkerBits, 5)
	c.LeaseTTL = cmp.Or(c.LeaseTTL, 15*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Owner == "" {
		host, _ := os.Hostname()
		c.Owner = fmt.Sprintf("%.64s/%d/%s", host, os.Getpid(), rand.Text()[:8])
	}
	return c
}

// Validate reports numbers that do not fit the id, and a lease too short to be
// renewed, as ErrConfig.
func (c Config) Validate() error {
	c = c.WithDefaults()
	if c.WorkerBits < 1 || c.WorkerBits > machineBits {
		return fmt.Errorf("%w: WorkerBits must be 1 to %d", ErrConfig, machineBits)
	}
	if limit := 1 << (machineBits - c.WorkerBits); c.Datacenter < 0 || c.Datacenter >= limit {
		return fmt.Errorf("%w: Datacenter must be 0 to %d", ErrConfig, limit-1)
	}
	if c.LeaseTTL < time.Second {
		return fmt.Errorf("%w: LeaseTTL must be at least 1s", ErrConfig)
	}
	return nil
}

func (c Config) now() time.Time {
	if c.Clock != nil {
		return c.Clock()
	}
	return time.Now()
}
