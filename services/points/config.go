package points

import (
	"errors"
	"fmt"
	"time"

	"souk.example/internal/fxrun"
	"souk.example/pkg/inbox"
	"souk.example/pkg/waitlist"
)

// Config is the points service's settings.
type Config struct {
	Base       fxrun.BaseConfig
	Inbox      inbox.Config
	NudgeAfter time.Duration `env:"SOUK_NUDGE_AFTER" envDefault:"2m" usage:"time past an order's deadline after which order is asked what became of it"`
}

// Validate implements config's check.
func (c Config) Validate() error {
	if c.NudgeAfter <= 0 {
		return errors.New("SOUK_NUDGE_AFTER must be positive")
	}
	if c.Inbox.Timeout > waitlist.MaxCommit {
		return fmt.Errorf("SOUK_INBOX_TIMEOUT must be at most %s: the walk past freezes counts on it", waitlist.MaxCommit)
	}
	return nil
}
