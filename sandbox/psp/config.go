package psp

import (
	"errors"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
	"souk.example/sandbox/psp/internal/webhook"
)

// Config is the sandbox provider's settings. It has no Kafka and no Redis.
type Config struct {
	HTTP      httpserver.Config
	Database  database.Config
	Telemetry telemetry.Config
	Webhook   webhook.Config
	APIKey    config.Secret `env:"SOUK_PSP_API_KEY" usage:"what callers must know"`
	LateAfter time.Duration `env:"SOUK_PSP_LATE_AFTER" envDefault:"20s" usage:"when a tok_late charge succeeds"`
}

// Validate refuses production, where money is real.
func (c Config) Validate() error {
	switch {
	case c.Telemetry.Env == "production":
		return errors.New("this is a sandbox: it takes no money and must not run in production")
	case c.APIKey == "":
		return errors.New("SOUK_PSP_API_KEY must be set")
	case c.Webhook.URL != "" && len(c.Webhook.Secrets) == 0:
		return errors.New("SOUK_PSP_WEBHOOK_SECRETS must be set with SOUK_PSP_WEBHOOK_URL")
	case c.LateAfter < 0:
		return errors.New("SOUK_PSP_LATE_AFTER must not be negative")
	}
	return nil
}
