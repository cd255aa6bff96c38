package redisclient_test

import (
	"testing"

	"souk.example/pkg/config"
	"souk.example/pkg/internal/testcert"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

func open(t *testing.T, cfg redisclient.Config) *redisclient.Client {
	t.Helper()
	c, err := redisclient.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestEveryHandleSpeaksTLS(t *testing.T) {
	own := testcert.New(t)
	c := open(t, redisclient.Config{Addrs: []string{redistest.StartTLS(t, own)}, TLS: config.TLS{Enabled: true, CA: own.Cert}})
	for range 3 {
		if err := c.Write().Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if made := c.Write().PoolStats().Misses; made != 1 {
		t.Errorf("%d connections for one write after another", made)
	}
	if got, err := c.Read().Get(t.Context(), "k").Result(); got != "v" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if got, err := c.Hot().Get(t.Context(), "k"); string(got) != "v" || err != nil {
		t.Errorf("hot read %q, %v", got, err)
	}
}

func TestWithoutTrustThereIsNoConnection(t *testing.T) {
	own := testcert.New(t)
	addr := redistest.StartTLS(t, own)
	for name, secure := range map[string]config.TLS{
		"an authority that nobody knows": {Enabled: true},
		"no TLS":                         {},
	} {
		c := open(t, redisclient.Config{Addrs: []string{addr}, TLS: secure})
		if c.Ping(t.Context()) == nil || c.Write().Set(t.Context(), "k", "v", 0).Err() == nil {
			t.Errorf("%s: connected", name)
		}
	}
}

func TestBadCertificatesAreToldAtStart(t *testing.T) {
	if _, err := redisclient.Open(t.Context(), redisclient.Config{TLS: config.TLS{Enabled: true, CA: "/nowhere"}}); err == nil {
		t.Error("opened")
	}
}
