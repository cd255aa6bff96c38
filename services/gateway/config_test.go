package gateway_test

import (
	"testing"

	"souk.example/services/gateway"
)

func TestOriginsAreChecked(t *testing.T) {
	for _, bad := range []string{"*", "null", "shop.example", "https://shop.example/", "https://shop.example/path", "https://*.example:x"} {
		if err := (gateway.Config{CORSOrigins: []string{bad}}).Validate(); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if err := (gateway.Config{CORSOrigins: []string{"https://shop.example", "http://127.0.0.1:3000"}}).Validate(); err != nil {
		t.Error(err)
	}
}
