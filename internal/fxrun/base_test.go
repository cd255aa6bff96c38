package fxrun_test

import (
	"strings"
	"testing"

	"souk.example/internal/fxrun"
	"souk.example/pkg/config"
)

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
