package inventory

import (
	"errors"
	"time"

	"souk.example/internal/fxrun"
	"souk.example/pkg/inbox"
	"souk.example/services/inventory/internal/gauges"
)

// Config is the inventory service's settings.
type Config struct {
	Base    fxrun.BaseConfig
	Inbox   inbox.Config
	Gauges  gauges.Config
	PageTTL time.Duration `env:"SOUK_INVENTORY_PAGE_TTL" envDefault:"5s" usage:"how old the availability on a product page may be"`
}

// Validate implements config's check.
func (c Config) Validate() error {
	if c.PageTTL < time.Second {
		return errors.New("SOUK_INVENTORY_PAGE_TTL must be 1s or longer")
	}
	return nil
}
