package ratelimit

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"
)

// Algorithm is how a limit is kept; see the package's comment.
type Algorithm uint8

// The algorithms.
const (
	TokenBucket Algorithm = iota
	GCRA
)

// script is the name of the algorithm's Lua file.
func (a Algorithm) script() string {
	if a == GCRA {
		return "gcra"
	}
	return "token"
}

// Policy is what a limiter does when Redis does not answer.
type Policy uint8

// The policies.
const (
	Local  Policy = iota // each process keeps Config.Local by itself
	Open                 // everything is allowed
	Closed               // nothing is allowed
)

// Config of a Limiter; the zero value of a field but Name and Limit asks for
// its default.
type Config struct {
	Name      string // in Redis' keys and the metrics
	Limit     Limit
	Algorithm Algorithm // default TokenBucket
	OnOutage  Policy    // default Local

	// Local is what one process allows by itself while Redis is away; default
	// Limit. With n processes, divide by n to keep the total.
	Local Limit
	// MaxLocal bounds the keys a process remembers, of the limits it keeps by
	// itself and of those it knows to be refused; default 65,536 each.
	// Beyond, of a few at random that one is forgotten that is the first to
	// matter no more.
	MaxLocal int

	// Timeout of one decision by Redis; default 100 ms. A caller whose deadline
	// is near gives Redis half of the time left.
	Timeout    time.Duration
	RetryPause time.Duration // during which a failed Redis is not asked; default 500 ms
	// DenyAhead is how long at most a refusal is repeated without asking
	// Redis; default 1 s, negative never.
	DenyAhead time.Duration
	Prefix    string // of the keys in Redis; default "souk:limit:"

	Log *slog.Logger // told when Redis fails and when it is back; nil discards
}

func (c Config) withDefaults() Config {
	c.Local = cmp.Or(c.Local, c.Limit)
	c.MaxLocal = cmp.Or(c.MaxLocal, 65_536)
	c.Timeout = cmp.Or(c.Timeout, 100*time.Millisecond)
	c.RetryPause = cmp.Or(c.RetryPause, 500*time.Millisecond)
	c.DenyAhead = cmp.Or(c.DenyAhead, time.Second)
	c.Prefix = cmp.Or(c.Prefix, "souk:limit:")
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c
}

// Validate reports settings that cannot work: ErrName, ErrRate, ErrBurst or
// ErrConfig.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Name == "":
		return ErrName
	case c.Algorithm > GCRA:
		return fmt.Errorf("%w: algorithm %d", ErrConfig, c.Algorithm)
	case c.OnOutage > Closed:
		return fmt.Errorf("%w: policy %d", ErrConfig, c.OnOutage)
	case c.MaxLocal < 1, c.Timeout < time.Millisecond, c.RetryPause < time.Millisecond:
		return fmt.Errorf("%w: MaxLocal, Timeout and RetryPause must be positive", ErrConfig)
	}
	if err := c.Limit.validate(c.Algorithm); err != nil {
		return err
	}
	if err := c.Local.validate(TokenBucket); err != nil {
		return fmt.Errorf("local: %w", err)
	}
	return nil
}
