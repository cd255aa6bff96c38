package stack

import (
	"fmt"
	"strings"

	"souk.example/cmd/souk/internal/topology"
)

// Environ is the environment one replica of a service gets, as "K=V" strings:
// where it listens and where its engines and neighbours are follow from cfg,
// everything else from the operator.
func Environ(cfg Config, s topology.Service) ([]string, error) {
	t := cfg.Topology
	ours := map[string]string{
		"SOUK_HTTP_ADDR":       topology.Loopback(s.Port),
		"SOUK_ADMIN_ADDR":      topology.Loopback(s.Admin),
		"SOUK_KAFKA_BROKERS":   topology.Loopback(t.KafkaPort()),
		"SOUK_REDIS_ADDRS":     topology.Loopback(t.RedisPort()),
		"SOUK_JWT_PUBLIC_KEYS": cfg.Keys.Public,
		"SOUK_OUTBOX_OWNER":    s.String(),
	}
	for _, neighbour := range topology.Names() {
		urls, name := replicaURLs(t, neighbour), strings.ToUpper(neighbour)
		ours["SOUK_"+name+"_URL"], ours["SOUK_UPSTREAM_"+name] = urls[0], strings.Join(urls, ",")
	}
	if s.Storage != topology.NoStorage {
		dsn, err := cfg.DSN(s.Name)
		if err != nil {
			return nil, fmt.Errorf("database of %s: %w", s.Name, err)
		}
		ours["SOUK_DATABASE_DSN"] = dsn.Reveal()
	}
	switch s.Name {
	case "user":
		ours["SOUK_JWT_PRIVATE_KEY"] = cfg.Keys.Private.Reveal()
	case "payment", topology.PSP:
		ours["SOUK_PSP_API_KEY"], ours["SOUK_PSP_WEBHOOK_SECRETS"] = cfg.Keys.PSPAPIKey.Reveal(), cfg.Keys.Webhook.Reveal()
		ours["SOUK_PSP_WEBHOOK_URL"] = t.Gateway().URL() + "/v1/webhooks/psp"
	}
	return override(withDefaults(cfg.Environ), ours), nil
}

func replicaURLs(t topology.Topology, name string) []string {
	var urls []string
	for _, s := range t.Services() {
		if s.Name == name {
			urls = append(urls, s.URL())
		}
	}
	return urls
}

// withDefaults adds what suits a developer's machine; the
// operator's own word counts more.
func withDefaults(environ []string) []string {
	defaults := []string{
		"SOUK_LOG_FORMAT=text",
		"SOUK_HTTP_DRAIN_DELAY=100ms", // no load balancer has to notice
	}
	return append(defaults, environ...)
}

// override sets variables in environ in place of any it had.
func override(environ []string, set map[string]string) []string {
	var out []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if _, replaced := set[name]; !replaced {
			out = append(out, kv)
		}
	}
	for name, value := range set {
		out = append(out, name+"="+value)
	}
	return out
}
