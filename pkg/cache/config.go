package cache

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Errors of wrong use, reported before anything is read or written, but by
// Invalidate.
var (
	ErrName     = errors.New("cache: name is empty, over 128 bytes, not UTF-8 or has one of : ~ { }")
	ErrKey      = errors.New("cache: key is empty, over 512 bytes or not UTF-8")
	ErrNoLoader = errors.New("cache: loader is nil")
	ErrTTL      = errors.New("cache: a duration is under 1ms")
	ErrConfig   = errors.New("cache: a setting is out of range")
	ErrNoBus    = errors.New("cache: a filter needs a bus")
	ErrNoRedis  = errors.New("cache: the Redis client is nil")
	// ErrCodec: for the default codec New tries the zero value, which shows a
	// channel or a struct with one, and not a slice of them.
	ErrCodec = errors.New("cache: the codec is nil or cannot encode the type")
)

// ErrClosed is returned by reads that had to load after Close.
var ErrClosed = errors.New("cache: closed")

// OversizeError refuses a value whose encoding is larger than
// Config.MaxValue; it is put nowhere. Sizes are in bytes, before compression.
type OversizeError struct {
	Key       string
	Size, Max int
}

func (e *OversizeError) Error() string {
	return fmt.Sprintf("cache: value of %s has %d bytes, more than %d", e.Key, e.Size, e.Max)
}

const (
	maxKey  = 512
	maxName = 128
)

// validName refuses what would mix up the keys of two caches, whose names ':'
// and '~' end, or put all on one node of a cluster, as a hash tag does.
func validName(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && !strings.ContainsAny(name, ":~{}")
}

// validKey refuses what a broadcast, which is JSON, would not bring unchanged.
func validKey(key string) bool {
	return key != "" && len(key) <= maxKey && utf8.ValidString(key)
}

// Config tunes a Cache; the zero value of each field means its default. An
// entry's age is measured from when it was written; reading does not renew it.
type Config struct {
	TTL time.Duration // of a value in L2, the hard limit of its life; default 5 min
	// SoftTTL is the age from which a value is still served but reloaded in
	// the background; at most TTL, the default. See also Beta.
	SoftTTL time.Duration
	// L1TTL is the life of a value in L1, and so how long it may be out of date
	// when a broadcast was lost; at most TTL. Default TTL, at most 1 min.
	L1TTL   time.Duration
	NullTTL time.Duration // of an absence, in both; default TTL, at most 30 s
	// Jitter is the share of each TTL that is taken off at random, so that
	// entries written together do not expire together; at most 0.9. Default, and
	// so 0, is 0.1; negative: none.
	Jitter float64
	// Beta of the refresh-ahead: a value that took δ to load is reloaded about
	// Beta × δ before SoftTTL. Default 1, which Vattani et al. prove optimal;
	// negative: not before SoftTTL.
	Beta float64
	// StaleFor is how long an L1 entry may still be served when the source
	// fails or is busy, counted from its end: that of L1TTL or, if that comes
	// first, of the value's own life. Default 0: never.
	StaleFor time.Duration
	// LoadTimeout bounds one load, and is the lifetime of a lease. A load of
	// another process is waited for 200 ms longer at most. Default 3 s.
	LoadTimeout  time.Duration
	MaxLoads     int           // concurrent loads of this process, a batch counts once; default 64
	MaxRefreshes int           // of them in the background at most, a group (WithRenewals) counts once; default 8
	MaxCost      uint64        // of L1, in the units of WithCost; default 10,000
	NoL1         bool          // keep nothing in memory: Redis or the source answers each read
	MaxValue     int           // bytes of an encoded value; default 1 MiB
	Compress     int           // bytes from which an encoded value is compressed; default 4 KiB, negative: never
	RetryAfter   time.Duration // pause after a failure of Redis; default 500 ms
	Prefix       string        // of the keys in Redis; default "souk:cache:"
}

func (c Config) withDefaults() Config {
	setDefault(&c.TTL, 5*time.Minute)
	setDefault(&c.SoftTTL, c.TTL)
	setDefault(&c.L1TTL, min(c.TTL, time.Minute))
	setDefault(&c.NullTTL, min(c.TTL, 30*time.Second))
	setDefault(&c.Jitter, 0.1)
	c.Jitter = max(0, c.Jitter)
	setDefault(&c.Beta, 1)
	setDefault(&c.LoadTimeout, 3*time.Second)
	setDefault(&c.MaxLoads, 64)
	setDefault(&c.MaxRefreshes, 8)
	setDefault(&c.MaxCost, 10_000)
	setDefault(&c.MaxValue, 1<<20)
	setDefault(&c.Compress, 4<<10)
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

// Validate reports settings that cannot work: ErrTTL or ErrConfig.
func (c Config) Validate() error {
	for _, d := range []time.Duration{c.TTL, c.SoftTTL, c.L1TTL, c.NullTTL, c.LoadTimeout} {
		if d != 0 && d < time.Millisecond {
			return ErrTTL
		}
	}
	full := c.withDefaults()
	switch {
	case full.SoftTTL > full.TTL:
		return fmt.Errorf("%w: SoftTTL is longer than TTL", ErrConfig)
	case full.L1TTL > full.TTL:
		return fmt.Errorf("%w: L1TTL is longer than TTL", ErrConfig)
	case c.StaleFor < 0 || c.RetryAfter < 0:
		return fmt.Errorf("%w: StaleFor and RetryAfter must not be negative", ErrConfig)
	case c.MaxLoads < 0 || c.MaxRefreshes < 0 || c.MaxValue < 0:
		return fmt.Errorf("%w: MaxLoads, MaxRefreshes and MaxValue must not be negative", ErrConfig)
	case c.Jitter > 0.9 || math.IsNaN(c.Jitter) || math.IsNaN(c.Beta):
		return fmt.Errorf("%w: Jitter is over 0.9, or it or Beta is no number", ErrConfig)
	}
	return nil
}
