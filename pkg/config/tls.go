package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// TLS says how a client speaks TLS to an engine; the zero value: not at all. A
// struct that nests it gives the engine's name as envPrefix. The server's
// certificate is always checked against the name or address that is dialled.
type TLS struct {
	Enabled bool   `env:"TLS" usage:"speak TLS"`
	CA      string `env:"TLS_CA" usage:"certificates to trust in place of the system's: PEM, or the path of a file"`
	Cert    string `env:"TLS_CERT" usage:"client certificate: PEM, or the path of a file"`
	Key     Secret `env:"TLS_KEY" usage:"key of the client certificate: PEM, or the path of a file"`
}

// Client is what to dial with, nil without TLS. It reads the files that are named;
// an error is what is wrong with them, and never quotes a key.
func (t TLS) Client() (*tls.Config, error) {
	if !t.Enabled {
		if t.CA != "" || t.Cert != "" || t.Key != "" {
			return nil, errors.New("TLS_CA, TLS_CERT and TLS_KEY mean nothing without TLS")
		}
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	return cfg, errors.Join(t.trust(cfg), t.identify(cfg))
}

func (t TLS) trust(cfg *tls.Config) error {
	if t.CA == "" {
		return nil
	}
	bundle, err := pemOf(t.CA)
	if err != nil {
		return fmt.Errorf("TLS_CA: %w", err)
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(bundle) {
		return errors.New("TLS_CA: no certificate in it")
	}
	return nil
}

func (t TLS) identify(cfg *tls.Config) error {
	if t.Cert == "" && t.Key == "" {
		return nil
	}
	cert, err := pemOf(t.Cert)
	if err != nil {
		return fmt.Errorf("TLS_CERT: %w", err)
	}
	key, err := pemOf(t.Key.Reveal())
	if err != nil {
		return fmt.Errorf("TLS_KEY: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("TLS_CERT and TLS_KEY: %w", err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return nil
}

// pemOf is given itself when it is PEM, as from a Kubernetes Secret, or else the
// contents of the file of that name.
func pemOf(given string) ([]byte, error) {
	if strings.Contains(given, "-----BEGIN ") {
		return []byte(given), nil
	}
	contents, err := os.ReadFile(given)
	if err != nil {
		return nil, errors.New("neither PEM nor a file that can be read") // which might quote a key
	}
	return contents, nil
}
