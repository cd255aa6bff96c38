// Package testcert lends tests the certificate that net/http/httptest's servers
// have: self-signed, for 127.0.0.1.
package testcert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Certificate is one, with its key, and both as PEM.
type Certificate struct {
	Pair      tls.Certificate
	Cert, Key string
}

// New returns the certificate.
func New(t testing.TB) Certificate {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return Certificate{pair, text("CERTIFICATE", pair.Certificate[0]), text("PRIVATE KEY", key)}
}

// Server is what a server of the test serves with.
func (c Certificate) Server() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.Pair}}
}

func text(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
