package gateway_test

import (
	"testing"
	"time"

	"souk.example/services/gateway"
)

func TestSettingsAreChecked(t *testing.T) {
	for _, bad := range []string{"*", "null", "shop.example", "https://shop.example/", "https://shop.example/path", "https://*.example:x"} {
		if err := (gateway.Config{CORSOrigins: []string{bad}}).Validate(); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	for cfg, ok := range map[*gateway.Config]bool{
		{}: true, // switched off
		{AddressAttempts: 300, AddressAttemptEvery: time.Second}: true,
		{AddressAttempts: -1, AddressAttemptEvery: time.Second}:  false,
		{AddressAttempts: 300}: false,
	} {
		if err := cfg.Validate(); (err == nil) != ok {
			t.Errorf("%d attempts every %v: %v", cfg.AddressAttempts, cfg.AddressAttemptEvery, err)
		}
	}
	if err := (gateway.Config{CORSOrigins: []string{"https://shop.example", "http://127.0.0.1:3000"}}).Validate(); err != nil {
		t.Error(err)
	}
}
