package order

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"souk.example/internal/fxrun"
	"souk.example/pkg/database"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/inbox"
	"souk.example/pkg/overload"
	"souk.example/pkg/saga"
	"souk.example/pkg/telemetry"
)

// longestCommit keeps an intake's transaction well below the half minute that
// the watch over deadlines allows between its look at the clock and its commit.
const longestCommit = 20 * time.Second

// intakeCadence spaces the batches of new orders under load. It is short beside
// that of the inbox because customers wait for it.
const intakeCadence = 25 * time.Millisecond

// Config is the order service's settings.
type Config struct {
	Base          fxrun.BaseConfig
	Intake        groupcommit.Config
	Inbox         inbox.Config
	Returns       saga.Config
	Overload      overload.Config
	PayWithin     time.Duration `env:"SOUK_ORDER_PAY_WITHIN" envDefault:"15m" usage:"time from placement to payment"`
	OpenMax       int           `env:"SOUK_ORDER_OPEN_MAX" envDefault:"100" usage:"orders of one user that may wait for payment at a time; 0 for any number"`
	ExpiryPenalty time.Duration `env:"SOUK_ORDER_EXPIRY_PENALTY" envDefault:"15m" usage:"how long an order that was not paid in time counts as waiting after its deadline; 0 for not at all"`
	NudgeAfter    time.Duration `env:"SOUK_NUDGE_AFTER" envDefault:"2m" usage:"wait for another service's word after which it is asked again"`
	InventoryURL  string        `env:"SOUK_INVENTORY_URL" envDefault:"http://127.0.0.1:8082" usage:"where the first price snapshot comes from"`
}

// Validate implements config's check.
func (c Config) Validate() error {
	if c.PayWithin <= 0 {
		return errors.New("SOUK_ORDER_PAY_WITHIN must be positive")
	}
	if c.OpenMax < 0 || c.ExpiryPenalty < 0 {
		return errors.New("SOUK_ORDER_OPEN_MAX and SOUK_ORDER_EXPIRY_PENALTY must not be negative")
	}
	if c.NudgeAfter <= 0 {
		return errors.New("SOUK_NUDGE_AFTER must be positive")
	}
	if c.Intake.Timeout > longestCommit {
		return fmt.Errorf("SOUK_FLUSH_TIMEOUT must be at most %s: the watch over deadlines counts on it", longestCommit)
	}
	u, err := url.Parse(c.InventoryURL)
	if err != nil || u.Host == "" {
		return errors.New("SOUK_INVENTORY_URL must be an absolute URL")
	}
	return nil
}

// intake is how the requests to do one thing share transactions.
func (c Config) intake(what string, t *telemetry.Telemetry) (groupcommit.Config, error) {
	intake := c.Intake
	intake.Retry = database.IsTransient
	sizes, err := groupcommit.Sizes(t.Registry, what)
	intake.Sizes = sizes
	return intake, err
}
