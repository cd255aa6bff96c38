// Package provider speaks to the payment provider: it makes calls, reads its
// list, and tells whether a webhook is really its own. A card is never more than
// a token here, and nothing of tokens, keys or secrets gets into an error.
package provider

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"souk.example/pkg/config"
)

// Config says where the provider is and what it and we know each other by.
// Without a URL there is none, and cards are not offered.
type Config struct {
	URL            string          `env:"SOUK_PSP_URL" usage:"base URL of the payment provider; empty: cards are not offered"`
	APIKey         config.Secret   `env:"SOUK_PSP_API_KEY" usage:"what the provider knows us by"`
	WebhookSecrets []config.Secret `env:"SOUK_PSP_WEBHOOK_SECRETS" usage:"what webhooks are signed with, comma separated; any may match"`
	Merchant       string          `env:"SOUK_PSP_MERCHANT" envDefault:"souk-dev" usage:"who we are in webhooks"`

	BreakerFailures uint32        `env:"SOUK_PSP_BREAKER_FAILURES" envDefault:"20" usage:"calls in a row without an answer that stop further ones"`
	BreakerOpen     time.Duration `env:"SOUK_PSP_BREAKER_OPEN" envDefault:"2s" usage:"pause before a stopped provider is tried again"`
}

func (c Config) withDefaults() Config {
	if c.BreakerFailures == 0 {
		c.BreakerFailures = 20
	}
	if c.BreakerOpen == 0 {
		c.BreakerOpen = 2 * time.Second
	}
	return c
}

// Offered reports whether there is a provider.
func (c Config) Offered() bool { return c.URL != "" }

// Validate wants everything that a provider needs, or none.
func (c Config) Validate() error {
	if !c.Offered() {
		return nil
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		return errors.New("SOUK_PSP_URL must be an http or https URL without credentials")
	case c.APIKey == "":
		return errors.New("SOUK_PSP_API_KEY must be set with SOUK_PSP_URL")
	case len(c.WebhookSecrets) == 0 || slices.Contains(c.WebhookSecrets, ""):
		return errors.New("SOUK_PSP_WEBHOOK_SECRETS must be set with SOUK_PSP_URL, none of them empty")
	case c.Merchant == "":
		return errors.New("SOUK_PSP_MERCHANT must be set with SOUK_PSP_URL")
	case c.BreakerOpen < 0:
		return errors.New("SOUK_PSP_BREAKER_OPEN must not be negative")
	}
	return nil
}

// leastSecret is the shortest secret, in bytes, that production takes: random
// ones are longer, and the well-known ones of development are not.
const leastSecret = 32

// ValidateProduction refuses what is good enough for development only.
func (c Config) ValidateProduction() error {
	if !c.Offered() {
		return nil
	}
	if !strings.HasPrefix(c.URL, "https://") {
		return errors.New("SOUK_PSP_URL must be https in production: keys and card tokens pass there")
	}
	if len(c.APIKey.Reveal()) < leastSecret {
		return errors.New("SOUK_PSP_API_KEY must have 32 bytes or more in production")
	}
	for _, s := range c.WebhookSecrets {
		if len(s.Reveal()) < leastSecret {
			return errors.New("SOUK_PSP_WEBHOOK_SECRETS must have 32 bytes or more each in production")
		}
	}
	return nil
}
