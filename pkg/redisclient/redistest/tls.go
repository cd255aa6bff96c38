package redistest

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/internal/testcert"
)

// StartTLS runs a Redis that speaks TLS with own's certificate until the test
// ends, and returns its address.
func StartTLS(t testing.TB, own testcert.Certificate) string {
	t.Helper()
	if program() == "" {
		mini, err := miniredis.RunTLS(own.Server())
		if err != nil {
			t.Fatalf("start miniredis: %v", err)
		}
		t.Cleanup(mini.Close)
		return mini.Addr()
	}
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	start(t, process(program(), "--dir", t.TempDir(), "--tls-port", port, "--tls-auth-clients", "no",
		"--tls-cert-file", file(t, own.Cert), "--tls-key-file", file(t, own.Key)))
	return addr
}

func file(t testing.TB, contents string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
