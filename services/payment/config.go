package payment

import (
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
}

// Validate refuses in production what is good enough for development only.
func (c Config) Validate() error {
	if c.Base.Telemetry.Env == "production" {
		return c.Provider.ValidateProduction()
	}
	return nil
}
