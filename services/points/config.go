package points

import (
	"souk.example/internal/fxrun"
	"souk.example/pkg/inbox"
)

// Config is the points service's settings.
type Config struct {
	Base  fxrun.BaseConfig
	Inbox inbox.Config
}
