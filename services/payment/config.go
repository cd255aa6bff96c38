package payment

import (
	"souk.example/internal/fxrun"
	"souk.example/pkg/inbox"
)

// Config is the payment service's settings.
type Config struct {
	Base  fxrun.BaseConfig
	Inbox inbox.Config
}
