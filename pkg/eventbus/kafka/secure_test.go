package kafka_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"souk.example/pkg/config"
	"souk.example/pkg/eventbus/kafka"
	"souk.example/pkg/internal/testcert"
)

const user, password = "souk", "correct horse"

// secured starts a broker that wants TLS and a password.
func secured(t *testing.T, own testcert.Certificate) []string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(own.Server()), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", user, password), kfake.Superuser("SCRAM-SHA-256", user, password), kfake.Superuser("SCRAM-SHA-512", user, password))
	if err != nil {
		t.Fatalf("start kfake: %v", err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()
}

func TestABrokerThatWantsTLSAndAPassword(t *testing.T) {
	own := testcert.New(t)
	brokers := secured(t, own)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // it tries until then
	defer cancel()
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		bus, err := kafka.Open(ctx, kafka.Config{
			Brokers: brokers, TLS: config.TLS{Enabled: true, CA: own.Cert},
			SASL: kafka.SASL{Mechanism: mechanism, Username: user, Password: password},
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("%s: %v", mechanism, err)
			continue
		}
		if err := bus.EnsureTopics(t.Context(), 1, "topic"); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestABrokerRefuses(t *testing.T) {
	own := testcert.New(t)
	brokers := secured(t, own)
	trusted := config.TLS{Enabled: true, CA: own.Cert}
	for name, cfg := range map[string]kafka.Config{
		"a wrong password": {TLS: trusted, SASL: kafka.SASL{Mechanism: "SCRAM-SHA-512", Username: user, Password: "wrong"}},
		"no password":      {TLS: trusted},
		"no TLS":           {SASL: kafka.SASL{Mechanism: "SCRAM-SHA-512", Username: user, Password: password}},
		"an authority that nobody knows": {
			TLS: config.TLS{Enabled: true}, SASL: kafka.SASL{Mechanism: "PLAIN", Username: user, Password: password},
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		cfg.Brokers = brokers
		bus, err := kafka.Open(ctx, cfg, slog.New(slog.DiscardHandler))
		cancel()
		if err == nil {
			_ = bus.Close()
			t.Errorf("%s: connected", name)
			continue
		}
		t.Logf("%s: %v", name, err)
		if strings.Contains(err.Error(), password) {
			t.Errorf("%s: the error holds the password", name)
		}
	}
}

func TestSecurityThatCannotWork(t *testing.T) {
	for want, cfg := range map[string]kafka.Config{
		"is not PLAIN":              {SASL: kafka.SASL{Mechanism: "GSSAPI", Username: user, Password: password}},
		"it wants SOUK_KAFKA_TLS":   {SASL: kafka.SASL{Mechanism: "PLAIN", Username: user, Password: password}},
		"wants SOUK_KAFKA_USERNAME": {SASL: kafka.SASL{Mechanism: "SCRAM-SHA-256", Password: password}},
		"TLS_CA":                    {TLS: config.TLS{Enabled: true, CA: "/nowhere"}},
	} {
		cfg.Brokers = []string{"127.0.0.1:1"}
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
