package order_test

import (
	"strings"
	"testing"

	"souk.example/pkg/config"
	"souk.example/services/order"
)

// A commit may not outlast what the watch over deadlines allows for it.
func TestACommitIsShorterThanTheWatchAllows(t *testing.T) {
	for timeout, fits := range map[string]bool{"10s": true, "20s": true, "21s": false} {
		_, err := config.Load[order.Config]("order", nil, []string{
			"SOUK_HTTP_ADDR=127.0.0.1:1", "SOUK_ADMIN_ADDR=127.0.0.1:2", "SOUK_DATABASE_DSN=sqlite:unused.db", "SOUK_FLUSH_TIMEOUT=" + timeout,
		})
		if fits && err != nil || !fits && (err == nil || !strings.Contains(err.Error(), "SOUK_FLUSH_TIMEOUT")) {
			t.Errorf("%s: %v", timeout, err)
		}
	}
}

func TestHoldSettings(t *testing.T) {
	for setting, fits := range map[string]bool{
		"SOUK_ORDER_OPEN_MAX=0": true, "SOUK_ORDER_OPEN_MAX=1": true, "SOUK_ORDER_OPEN_MAX=-1": false,
		"SOUK_ORDER_EXPIRY_PENALTY=0s": true, "SOUK_ORDER_EXPIRY_PENALTY=24h": true, "SOUK_ORDER_EXPIRY_PENALTY=-1s": false,
	} {
		_, err := config.Load[order.Config]("order", nil, []string{
			"SOUK_HTTP_ADDR=127.0.0.1:1", "SOUK_ADMIN_ADDR=127.0.0.1:2", "SOUK_DATABASE_DSN=sqlite:unused.db", setting,
		})
		if name, _, _ := strings.Cut(setting, "="); fits && err != nil || !fits && (err == nil || !strings.Contains(err.Error(), name)) {
			t.Errorf("%s: %v", setting, err)
		}
	}
}
