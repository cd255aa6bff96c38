package cache

import (
	"errors"
	"time"
)

// Errors of wrong use.
var (
	ErrKey      = errors.New("cache: key is empty or longer than 512 bytes")
	ErrNoLoader = errors.New("cache: loader is nil")
)

const maxKey = 512

// Config tunes a Cache; the zero value of each field means its default. An
// entry's age is measured from when it was written; reading does not renew it.
type Config struct {
	TTL     time.Duration // of a value in L2; default 5 min
	L1TTL   time.Duration // of a value in L1: how old it may be when a broadcast was lost; default TTL, at most 1 min
	NullTTL time.Duration // of an absence, in both; default TTL, at most 30 s
	// Jitter is the share of each TTL that is taken off at random, so that
	// entries written together do not expire together; 0 … 0.9, default 0.1.
	Jitter float64
	// StaleFor is how long after its TTL an L1 entry may still be served when
	// the source fails or has no free slot. Default 0: never.
	StaleFor time.Duration
	// LoadTimeout bounds one load, waiting for another process included; it
	// is also the lifetime of a lease. Default 3 s.
	LoadTimeout time.Duration
	MaxLoads    int           // concurrent loads of this process; default 64
	MaxCost     uint64        // of L1, in the units of WithCost; default 10,000
	RetryAfter  time.Duration // pause after a failure of Redis; default 500 ms
	Prefix      string        // of the keys in Redis; default "souk:cache:"
}

func (c Config) withDefaults() Config {
	setDefault(&c.TTL, 5*time.Minute)
	setDefault(&c.L1TTL, min(c.TTL, time.Minute))
	setDefault(&c.NullTTL, min(c.TTL, 30*time.Second))
	setDefault(&c.Jitter, 0.1)
	setDefault(&c.LoadTimeout, 3*time.Second)
	setDefault(&c.MaxLoads, 64)
	setDefault(&c.MaxCost, 10_000)
	setDefault(&c.RetryAfter, 500*time.Millisecond)
	setDefault(&c.Prefix, "souk:cache:")
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	for _, d := range []time.Duration{c.TTL, c.L1TTL, c.NullTTL, c.LoadTimeout} {
		if d != 0 && d < time.Millisecond {
			return errors.New("cache: a duration is under 1ms")
		}
	}
	if c.StaleFor < 0 || c.RetryAfter < 0 || c.MaxLoads < 0 {
		return errors.New("cache: StaleFor, RetryAfter and MaxLoads must not be negative")
	}
	if c.Jitter < 0 || c.Jitter > 0.9 {
		return errors.New("cache: Jitter is outside 0 … 0.9")
	}
	return nil
}
