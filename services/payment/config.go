package payment

import (
	"errors"
	"time"

	"souk.example/internal/fxrun"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/inbox"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider"
)

// Config is the payment service's settings.
type Config struct {
	Base      fxrun.BaseConfig
	Inbox     inbox.Config
	Words     groupcommit.Config
	Provider  provider.Config
	Calls     payment.CallerConfig
	Reconcile payment.ReconcilerConfig

	NudgeAfter time.Duration `env:"SOUK_NUDGE_AFTER" envDefault:"2m" usage:"time after which order is told again of money taken for a cancelled order, while it has not asked for it back"`
}

// Validate refuses in production what is good enough for development only.
func (c Config) Validate() error {
	if c.NudgeAfter <= 0 {
		return errors.New("SOUK_NUDGE_AFTER must be positive")
	}
	if c.Base.Telemetry.Env == "production" {
		return c.Provider.ValidateProduction()
	}
	return nil
}
