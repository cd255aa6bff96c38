package stack

import (
	"strings"

	"souk.example/cmd/souk/internal/topology"
	"souk.example/internal/embedded"
)

// Environ is the environment one service gets, as "K=V" strings: where it
// listens and where its engines and neighbours are follow from cfg, everything
// else from the operator.
func Environ(cfg Config, s topology.Service) []string {
	t := cfg.Topology
	ours := map[string]string{
		"SOUK_HTTP_ADDR":       topology.Loopback(s.Port),
		"SOUK_ADMIN_ADDR":      topology.Loopback(s.Admin),
		"SOUK_KAFKA_BROKERS":   topology.Loopback(t.KafkaPort()),
		"SOUK_REDIS_ADDRS":     topology.Loopback(t.RedisPort()),
		"SOUK_JWT_PUBLIC_KEYS": cfg.Keys.Public,
	}
	for _, neighbour := range t.Services() {
		name := strings.ToUpper(neighbour.Name)
		ours["SOUK_"+name+"_URL"], ours["SOUK_UPSTREAM_"+name] = neighbour.URL(), neighbour.URL()
	}
	if s.HasSQL {
		ours["SOUK_DATABASE_DSN"] = embedded.DSN(cfg.Home.Data(), s.Name)
	}
	if s.Name == "user" {
		ours["SOUK_JWT_PRIVATE_KEY"] = cfg.Keys.Private.Reveal()
	}
	return override(withDefaults(cfg.Environ), ours)
}

// withDefaults adds what suits one process that hosts everything; the
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
