package payment_test

import (
	"testing"

	"go.uber.org/fx"

	"souk.example/pkg/config"
	"souk.example/services/payment"
)

// The settings load with nothing but what every service must be told, and
// everything that the service is made of is provided, once.
func TestModuleIsComplete(t *testing.T) {
	cfg, err := config.Load[payment.Config]("payment", nil, []string{"SOUK_DATABASE_DSN=sqlite:unused.db"})
	if err != nil {
		t.Fatal(err)
	}
	if err := fx.ValidateApp(payment.Module(cfg), fx.NopLogger); err != nil {
		t.Error(err)
	}
}

// Production takes no secret that might be a well-known one.
func TestProductionWantsSecrets(t *testing.T) {
	long := "0123456789abcdef0123456789abcdef"
	for name, c := range map[string]struct {
		environ []string
		taken   bool
	}{
		"no provider":    {nil, true},
		"well-known key": {[]string{"SOUK_PSP_URL=https://psp", "SOUK_PSP_API_KEY=dev", "SOUK_PSP_WEBHOOK_SECRETS=" + long}, false},
		"short secret":   {[]string{"SOUK_PSP_URL=https://psp", "SOUK_PSP_API_KEY=" + long, "SOUK_PSP_WEBHOOK_SECRETS=" + long + ",dev"}, false},
		"without TLS":    {[]string{"SOUK_PSP_URL=http://psp", "SOUK_PSP_API_KEY=" + long, "SOUK_PSP_WEBHOOK_SECRETS=" + long}, false},
		"good ones":      {[]string{"SOUK_PSP_URL=https://psp", "SOUK_PSP_API_KEY=" + long, "SOUK_PSP_WEBHOOK_SECRETS=" + long}, true},
	} {
		environ := append(c.environ, "SOUK_DATABASE_DSN=sqlite:unused.db", "SOUK_ENV=production")
		if _, err := config.Load[payment.Config]("payment", nil, environ); (err == nil) != c.taken {
			t.Errorf("%s: %v", name, err)
		}
	}
}
