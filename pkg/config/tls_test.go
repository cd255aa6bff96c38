package config_test

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"souk.example/pkg/config"
	"souk.example/pkg/internal/testcert"
)

func TestTLSIsReadFromPEMAndFromFiles(t *testing.T) {
	own := testcert.New(t)
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, []byte(own.Cert), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, ca := range map[string]string{"PEM": own.Cert, "a file": path} {
		got, err := config.TLS{Enabled: true, CA: ca, Cert: own.Cert, Key: config.Secret(own.Key)}.Client()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		leaf, err := x509.ParseCertificate(own.Pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		trusted, err := leaf.Verify(x509.VerifyOptions{Roots: got.RootCAs, DNSName: "127.0.0.1"})
		if err != nil || len(trusted) != 1 || len(got.Certificates) != 1 || got.InsecureSkipVerify {
			t.Errorf("%s: %v, %d chains, %d certificates", name, err, len(trusted), len(got.Certificates))
		}
	}
	if got, err := (config.TLS{}).Client(); got != nil || err != nil {
		t.Errorf("without TLS: %v, %v", got, err)
	}
}

func TestTLSRefuses(t *testing.T) {
	own := testcert.New(t)
	for want, given := range map[string]config.TLS{
		"without TLS":            {CA: own.Cert},
		"TLS_CA: neither":        {Enabled: true, CA: "/nowhere/ca.pem"},
		"TLS_CA: no certificate": {Enabled: true, CA: own.Key},
		"TLS_CERT: neither":      {Enabled: true, Key: config.Secret(own.Key)},
		"TLS_KEY: neither":       {Enabled: true, Cert: own.Cert},
		"TLS_CERT and TLS_KEY: tls: found a certificate": {Enabled: true, Cert: own.Cert, Key: config.Secret(own.Cert)},
	} {
		_, err := given.Client()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestTLSNeverQuotesAKey(t *testing.T) {
	_, err := config.TLS{Enabled: true, Cert: "x", Key: "hunter2"}.Client()
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestTLSIsASettingOfItsEngine(t *testing.T) {
	type settings struct {
		TLS config.TLS `envPrefix:"SOUK_REDIS_"`
	}
	got, err := config.Load[settings]("test", []string{"--redis-tls"}, []string{"SOUK_REDIS_TLS_CA=ca", "SOUK_REDIS_TLS_KEY=hunter2"})
	if err != nil || !got.TLS.Enabled || got.TLS.CA != "ca" || strings.Contains(config.Redacted(got), "hunter2") {
		t.Errorf("got %+v, %v", got, err)
	}
}
