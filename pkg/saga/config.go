package saga

import (
	"cmp"
	"errors"
	"time"
)

// Config tunes an engine; zero values take the defaults named in the tags.
type Config struct {
	// Timeout is a step's first wait for its reply, where the step names none.
	Timeout time.Duration `env:"SOUK_SAGA_TIMEOUT" envDefault:"30s" usage:"first wait for the reply to a step"`
	// Backoff is the pause after a step's first failure. It doubles, as waits
	// for replies do, up to BackoffMax.
	Backoff    time.Duration `env:"SOUK_SAGA_BACKOFF" envDefault:"1s" usage:"pause after a step's first failure; doubles"`
	BackoffMax time.Duration `env:"SOUK_SAGA_BACKOFF_MAX" envDefault:"5m" usage:"longest pause between attempts"`
	// Attempts is how often an op is tried before the saga gives it up.
	Attempts int `env:"SOUK_SAGA_ATTEMPTS" envDefault:"10" usage:"attempts at a step before a saga turns back or is stuck"`
	// Poll is how often to look for what is due. What this process itself made
	// due is carried out at once.
	Poll time.Duration `env:"SOUK_SAGA_POLL" envDefault:"1s" usage:"how often to look for sagas that are due"`
}

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.Backoff = cmp.Or(c.Backoff, time.Second)
	c.BackoffMax = cmp.Or(c.BackoffMax, 5*time.Minute)
	c.Attempts = cmp.Or(c.Attempts, 10)
	c.Poll = cmp.Or(c.Poll, time.Second)
	return c
}

// Validate reports tunables that cannot work.
func (c Config) Validate() error {
	if min(c.Timeout, c.Backoff, c.BackoffMax, c.Poll) < 0 || c.Attempts < 0 {
		return errors.New("saga: bounds must not be negative")
	}
	return nil
}

// wait is first, doubled with each attempt after the first. A first wait above
// the cap stays what it is.
func (c Config) wait(first time.Duration, attempt int) time.Duration {
	limit := max(first, c.BackoffMax)
	for ; attempt > 1 && first < limit; attempt-- {
		first = min(2*first, limit)
	}
	return first
}
