package fxrun_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

// Who reads the log of a start learns the limits, given or not.
func TestAStartLogsTheLimitsThatHold(t *testing.T) {
	var log strings.Builder
	cfg := fxrun.BaseConfig{
		HTTP:      httpserver.Config{IdleTimeout: time.Minute},
		Database:  database.Config{DSN: "sqlite:x", MaxAttempts: 3},
		Telemetry: telemetry.Config{LogFormat: "text", LogWriter: &log},
	}
	if err := fx.New(fx.NopLogger, fxrun.Base("test", cfg)).Err(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"SOUK_HTTP_IDLE_TIMEOUT=1m0s", "SOUK_HTTP_REQUEST_TIMEOUT=10s", "SOUK_HTTP_MAX_HEADER=16384",
		"SOUK_DATABASE_MAX_ATTEMPTS=3", "SOUK_DATABASE_READ_TIMEOUT=10s", "SOUK_REDIS_IO_TIMEOUT=700ms", "SOUK_ID_LEASE_TTL=15s",
	} {
		if !strings.Contains(log.String(), want+`\n`) {
			t.Errorf("%s is not told: %s", want, log.String())
		}
	}
	for _, zero := range []string{"SOUK_DATABASE_MAX_OPEN=0", "SOUK_HTTP_MAX_BODY=0", "SOUK_JWT_CACHE_SIZE=0"} {
		if strings.Contains(log.String(), zero) {
			t.Errorf("%s is told", zero)
		}
	}
}

// A pack that no broker takes would stop its partition for ever.
func TestAPackMustFitARecord(t *testing.T) {
	type service struct{ Base fxrun.BaseConfig }
	for name, tc := range map[string]struct {
		environ []string
		fits    bool
	}{
		"defaults":     {nil, true},
		"equal":        {[]string{"SOUK_OUTBOX_MAX_PACK_BYTES=1000", "SOUK_KAFKA_MAX_RECORD_BYTES=1000"}, true},
		"large pack":   {[]string{"SOUK_OUTBOX_MAX_PACK_BYTES=1048577"}, false},
		"small record": {[]string{"SOUK_KAFKA_MAX_RECORD_BYTES=524287"}, false},
	} {
		_, err := config.Load[service]("order", nil, append(tc.environ,
			"SOUK_HTTP_ADDR=127.0.0.1:1", "SOUK_ADMIN_ADDR=127.0.0.1:2", "SOUK_DATABASE_DSN=sqlite:/dev/null"))
		if tc.fits && err != nil || !tc.fits && (err == nil || !strings.Contains(err.Error(), "SOUK_OUTBOX_MAX_PACK_BYTES")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
