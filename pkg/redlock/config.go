package redlock

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-redsync/redsync/v4"
)

var (
	// ErrNotAcquired says that somebody else holds the lock.
	ErrNotAcquired = errors.New("redlock: lock is held by another")
	// ErrReentrant refuses a lock to the context of its own holder, which
	// would wait for itself.
	ErrReentrant = errors.New("redlock: lock is held by this context")
	// ErrLost is the cause of a lock's context that ended because the lock
	// expired, was taken away, or could not be renewed in time.
	ErrLost = errors.New("redlock: lock is lost")
	// ErrName refuses a lock name that is empty, longer than 512 bytes or has
	// a brace in it, which Redis Cluster gives a meaning.
	ErrName = errors.New("redlock: lock name is empty, too long or has a brace")
	// ErrConfig refuses settings that cannot work, and a nil function to run.
	ErrConfig = errors.New("redlock: bad setting")
)

const (
	maxName = 512
	// driftFactor is the part of a TTL by which clocks may differ in their
	// speed, as in the Redlock algorithm.
	driftFactor = 0.01
	// usable is the part of a TTL that a holder has: the last tenth is for it to
	// stop.
	usable = 1 - driftFactor - 0.1
	// round is the part of a TTL that several nodes have to answer one question:
	// less than a third, so that those that are silent delay no renewal, and so
	// that the two rounds of an acquisition leave its holder time.
	round = 0.25
	// fenceTTL is how long a node remembers the last fence of a lock. Beyond,
	// its clock alone keeps fences increasing.
	fenceTTL = 7 * 24 * time.Hour
)

// Config tunes a Locker; the zero value of each field means its default.
type Config struct {
	// TTL is how long a lock outlives a holder that died; the watchdog renews
	// it every third of it. Default 8 s, at least 100 ms.
	TTL time.Duration
	// RetryDelay is the longest pause between attempts of Acquire when nobody
	// wakes it: the holder died, or the message was lost. Each pause is
	// jittered down to half of it. Default 100 ms.
	RetryDelay time.Duration
	// Prefix goes before every name in Redis; default "souk:lock:".
	Prefix string
}

func (c Config) withDefaults() Config {
	c.TTL = cmp.Or(c.TTL, 8*time.Second)
	c.RetryDelay = cmp.Or(c.RetryDelay, 100*time.Millisecond)
	c.Prefix = cmp.Or(c.Prefix, "souk:lock:")
	return c
}

// Validate reports settings that cannot work, as ErrConfig.
func (c Config) Validate() error {
	switch {
	case c.TTL != 0 && c.TTL < 100*time.Millisecond:
		return fmt.Errorf("%w: TTL %v is under 100ms", ErrConfig, c.TTL)
	case c.RetryDelay != 0 && c.RetryDelay < time.Millisecond:
		return fmt.Errorf("%w: RetryDelay %v is under 1ms", ErrConfig, c.RetryDelay)
	case strings.ContainsAny(c.Prefix, "{}"):
		return fmt.Errorf("%w: a brace in the prefix %q", ErrConfig, c.Prefix)
	}
	return nil
}

// key of a lock's value; the tag keeps its other keys in the same slot.
func (c Config) key(name string) string { return c.Prefix + "{" + name + "}" }

// tuning is what redsync is told of a lock. Acquire retries, not redsync, and
// an acquisition that leaves its holder no time is given up.
func (c Config) tuning(nodes int) []redsync.Option {
	return []redsync.Option{
		redsync.WithExpiry(c.TTL), redsync.WithTries(1),
		redsync.WithDriftFactor(driftFactor), redsync.WithTimeoutFactor(patience(nodes)),
	}
}

// patience is the part of a TTL for which nodes are waited for. A single one is
// waited for as long as a holder is left time, as without it there is no lock.
func patience(nodes int) float64 {
	if nodes == 1 {
		return usable
	}
	return round
}

// expiry is when the holder of a lock that was asked for at begun must have
// stopped. redsync says when that is, too, but must not be asked while it
// renews the lock.
func (c Config) expiry(begun time.Time) time.Time { return begun.Add(part(c.TTL, usable)) }

func part(of time.Duration, factor float64) time.Duration {
	return time.Duration(float64(of) * factor)
}

// untilRenewal is the time left to the renewal of a lock that was asked for at
// begun: a slow Redis does not delay the next one.
func (c Config) untilRenewal(begun time.Time) time.Duration {
	return time.Until(begun.Add(c.TTL / 3))
}

func validName(name string) bool {
	return name != "" && len(name) <= maxName && !strings.ContainsAny(name, "{}")
}
