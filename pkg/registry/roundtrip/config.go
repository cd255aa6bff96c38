package roundtrip

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"souk.example/pkg/registry/balance"
)

// ErrConfig: a setting cannot work.
var ErrConfig = errors.New("roundtrip: bad setting")

// Config of a Transport; the zero value of each field means its default.
type Config struct {
	Balancer balance.Balancer // default balance.LeastInFlight
	// Key is what requests that belong together share, such as their client's
	// address; default none.
	Key func(*http.Request) string

	// Attempts bounds how often one request is sent, to different instances
	// while there are such; default 3. See Transport for what is sent again.
	Attempts int
	// RetryBudget is the share of requests that may be sent again, beyond a
	// few for quiet times, so that retries do not bury a service that fails;
	// default 0.2.
	RetryBudget float64

	// An instance that failed EjectAfter times in a row is not asked for
	// EjectFor, which grows with every further ejection up to ten times that;
	// defaults 5 and 3 s. At most MaxEjected of a service's instances are out
	// at a time; default 0.5.
	EjectAfter int
	EjectFor   time.Duration
	MaxEjected float64

	// CheckPath is asked of every instance while Run runs, each CheckEvery for
	// at most CheckTimeout; Down failures in a row take an instance out, Up
	// successes bring it back. Defaults "/readyz", 2 s, 1 s, 3 and 2.
	CheckPath    string
	CheckEvery   time.Duration
	CheckTimeout time.Duration
	Down, Up     int
}

func (c Config) withDefaults() Config {
	if c.Balancer == nil {
		c.Balancer = balance.LeastInFlight{}
	}
	if c.Key == nil {
		c.Key = func(*http.Request) string { return "" }
	}
	c.Attempts = cmp.Or(c.Attempts, 3)
	c.RetryBudget = cmp.Or(c.RetryBudget, 0.2)
	c.EjectAfter = cmp.Or(c.EjectAfter, 5)
	c.EjectFor = cmp.Or(c.EjectFor, 3*time.Second)
	c.MaxEjected = cmp.Or(c.MaxEjected, 0.5)
	c.CheckPath = cmp.Or(c.CheckPath, "/readyz")
	c.CheckEvery = cmp.Or(c.CheckEvery, 2*time.Second)
	c.CheckTimeout = cmp.Or(c.CheckTimeout, time.Second)
	c.Down = cmp.Or(c.Down, 3)
	c.Up = cmp.Or(c.Up, 2)
	return c
}

// Validate reports settings that cannot work, as ErrConfig.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Attempts < 1, c.EjectAfter < 1, c.Down < 1, c.Up < 1:
		return fmt.Errorf("%w: a count is negative", ErrConfig)
	case c.EjectFor < 0, c.CheckEvery < 0, c.CheckTimeout < 0:
		return fmt.Errorf("%w: a duration is negative", ErrConfig)
	case c.RetryBudget < 0, c.RetryBudget > 1, c.MaxEjected < 0, c.MaxEjected > 1:
		return fmt.Errorf("%w: a share is outside 0 … 1", ErrConfig)
	case c.CheckPath[0] != '/':
		return fmt.Errorf("%w: CheckPath %q", ErrConfig, c.CheckPath)
	}
	return nil
}
