package pubsub

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Errors of wrong use, reported at once.
var (
	// ErrConfig: a setting has no meaning.
	ErrConfig = errors.New("pubsub: bad setting")
	// ErrMessage: a message has no topic, a negative version, or a topic or
	// key that is longer than 512 bytes or not UTF-8.
	ErrMessage = errors.New("pubsub: bad message")
	// ErrTooLarge: what is to be sent exceeds its bound.
	ErrTooLarge = errors.New("pubsub: too large")
	// ErrRunning: Run was called while it runs.
	ErrRunning = errors.New("pubsub: runs already")
)

const (
	// maxKey bounds topics, keys and names, in bytes.
	maxKey = 512
	// minInterval is the shortest that Redis is asked at.
	minInterval = time.Millisecond
)

// Config tunes a Bus; the zero value of each field means its default.
type Config struct {
	Channel string // default "souk:broadcast"; processes hear each other on one channel
	Service string // the sender's name in messages
	// Idle is how long the subscriber waits for a frame before it asks
	// whether the connection is alive; half-open ones are replaced within
	// twice that. Default 1 s.
	Idle time.Duration
	// QueueMax bounds the messages waiting in one subscription; default 1024.
	QueueMax int
	// KeysMax bounds the keys whose version one subscription remembers;
	// default 16,384. Of a key that was forgotten, an old message is handled
	// again.
	KeysMax int
	// LogMax is about how many frames, of at most 64 KiB each, Redis keeps for
	// subscribers that were cut off; default 1000. Whoever missed more, or a
	// larger one, resyncs.
	LogMax int
	// MaxBytes bounds the encoded messages of one Publish; default 1 MiB.
	MaxBytes int

	Log *slog.Logger // told of refused messages and lost connections; nil discards
}

func (c Config) withDefaults() Config {
	c.Channel = cmp.Or(c.Channel, "souk:broadcast")
	c.Idle = cmp.Or(c.Idle, time.Second)
	c.QueueMax = cmp.Or(c.QueueMax, 1024)
	c.KeysMax = cmp.Or(c.KeysMax, 16_384)
	c.LogMax = cmp.Or(c.LogMax, 1000)
	c.MaxBytes = cmp.Or(c.MaxBytes, 1<<20)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c
}

// Validate reports settings that cannot work, as ErrConfig.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Idle < minInterval:
		return fmt.Errorf("%w: Idle must be at least %v", ErrConfig, minInterval)
	case c.QueueMax < 0 || c.KeysMax < 0 || c.LogMax < 0 || c.MaxBytes < 0:
		return fmt.Errorf("%w: QueueMax, KeysMax, LogMax and MaxBytes must not be negative", ErrConfig)
	case len(c.Channel) > maxKey || strings.ContainsAny(c.Channel, "{}"):
		return fmt.Errorf("%w: the channel's name is longer than %d bytes or has a brace, which Redis Cluster gives a meaning", ErrConfig, maxKey)
	}
	return nil
}
