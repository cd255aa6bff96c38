package gateway_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/fx"

	"souk.example/pkg/telemetry"
	"souk.example/pkg/tracing"
	"souk.example/services/gateway"
)

// In production a client that says so is not sampled, unless clients are trusted.
func TestOnlyTrustedClientsDecideWhatIsSampled(t *testing.T) {
	collector := httptest.NewServer(http.NotFoundHandler())
	defer collector.Close()
	for _, test := range []struct {
		env   string
		trust bool
		want  bool
	}{{"development", false, true}, {"production", false, false}, {"production", true, true}} {
		var cfg gateway.Config
		cfg.TrustTraces = test.trust
		cfg.Telemetry = telemetry.Config{Env: test.env, OTLPEndpoint: collector.URL, LogWriter: io.Discard}
		for _, replicas := range []*[]string{&cfg.User, &cfg.Inventory, &cfg.Order, &cfg.Payment, &cfg.Points} {
			*replicas = []string{collector.URL}
		}
		cfg.Auth.PublicKeys = "k:" + base64.StdEncoding.EncodeToString(make([]byte, ed25519.PublicKeySize))
		var tel *telemetry.Telemetry
		if err := fx.New(gateway.Module(cfg), fx.Populate(&tel), fx.NopLogger).Err(); err != nil {
			t.Fatal(err)
		}
		_, span := tel.Tracer.Start(tracing.Extract(t.Context(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), "request")
		if got := span.SpanContext().IsSampled(); got != test.want {
			t.Errorf("%+v: sampled %v", test, got)
		}
		span.End()
		_ = tel.Shutdown(t.Context()) // there is no collector
	}
}
