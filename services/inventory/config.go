package inventory

import (
	"errors"
	"fmt"
	"time"

	"souk.example/internal/fxrun"
	"souk.example/pkg/inbox"
	"souk.example/pkg/waitlist"
	"souk.example/services/inventory/internal/gate"
	"souk.example/services/inventory/internal/gauges"
)

// Config is the inventory service's settings.
type Config struct {
	Base    fxrun.BaseConfig
	Inbox   inbox.Config
	Gauges  gauges.Config
	Gate    gate.Config
	PageTTL time.Duration `env:"SOUK_INVENTORY_PAGE_TTL" envDefault:"5s" usage:"how old the availability on a product page may be"`

	FilterRebuild time.Duration `env:"SOUK_INVENTORY_FILTER_REBUILD" envDefault:"5m" usage:"time between rebuilds of the filter of known SKUs"`
	NudgeAfter    time.Duration `env:"SOUK_NUDGE_AFTER" envDefault:"2m" usage:"time past an order's deadline after which order is asked what became of it"`
	WarmPages     int           `env:"SOUK_INVENTORY_WARM_PAGES" envDefault:"100" usage:"how many of the first product pages are kept in Redis before anybody asks"`
}

// Validate implements config's check.
func (c Config) Validate() error {
	if c.PageTTL < time.Second {
		return errors.New("SOUK_INVENTORY_PAGE_TTL must be 1s or longer")
	}
	if c.FilterRebuild < time.Second {
		return errors.New("SOUK_INVENTORY_FILTER_REBUILD must be 1s or longer")
	}
	if c.WarmPages < 1 || c.WarmPages > 10_000 {
		return errors.New("SOUK_INVENTORY_WARM_PAGES must be 1 to 10,000")
	}
	if c.Gate.Below < 0 || c.Gate.Max < 1 || c.Gate.Look <= 0 {
		return errors.New("SOUK_GATE_BELOW must not be negative, SOUK_GATE_MAX and SOUK_GATE_LOOK must be positive")
	}
	if c.NudgeAfter <= 0 {
		return errors.New("SOUK_NUDGE_AFTER must be positive")
	}
	if c.Inbox.Timeout > waitlist.MaxCommit {
		return fmt.Errorf("SOUK_INBOX_TIMEOUT must be at most %s: the walk past holds counts on it", waitlist.MaxCommit)
	}
	return nil
}
