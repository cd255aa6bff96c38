package user

import (
	"fmt"
	"time"

	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/telemetry"
	"souk.example/services/user/internal/password"
)

// Config is the user service's settings. It has no Kafka; Redis
// carries what it tells the edges.
type Config struct {
	HTTP      httpserver.Config
	Database  database.Config
	Redis     redisclient.Config
	IDs       idgen.Config
	Auth      auth.Config
	Minter    auth.MinterConfig
	Password  password.Config
	Telemetry telemetry.Config

	LoginFailures     int64         `env:"SOUK_LOGIN_FAILURES" envDefault:"10" usage:"failed logins of one account before it has to wait; 0 is no limit"`
	LoginFailureEvery time.Duration `env:"SOUK_LOGIN_FAILURE_EVERY" envDefault:"30s" usage:"how long a failed login counts: one more is allowed after each"`
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	if c.LoginFailures == 0 {
		return nil
	}
	if err := c.logins().Validate(); err != nil {
		return fmt.Errorf("SOUK_LOGIN_FAILURES and SOUK_LOGIN_FAILURE_EVERY: %w", err)
	}
	return nil
}

func (c Config) logins() ratelimit.Config {
	return ratelimit.Config{
		Name:  "login-account",
		Limit: ratelimit.Limit{Rate: 1, Per: c.LoginFailureEvery, Burst: c.LoginFailures},
	}
}
