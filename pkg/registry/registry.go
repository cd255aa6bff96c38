package registry

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
)

// Errors of wrong use, reported at once.
var (
	ErrService  = errors.New("registry: service name is empty or longer than 128 bytes")
	ErrInstance = errors.New("registry: instance needs an id of 1 to 128 bytes, an http(s) URL and a weight from 0 to 1,000")
	ErrConfig   = errors.New("registry: intervals must be positive, and TTL longer than Beat")
	// ErrDeregistered: the instance has left, and its id with it.
	ErrDeregistered = errors.New("registry: instance has deregistered")
)

//go:embed *.lua
var luaFiles embed.FS

// Instance is one process of a service.
type Instance struct {
	ID      string            `json:"id"`               // unique to this run of the process
	URL     string            `json:"url"`              // scheme and authority, e.g. http://10.0.0.7:8080
	Weight  int               `json:"weight,omitempty"` // share of requests, where the balancer minds; 0 means 1
	Version string            `json:"version,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
}

func (i Instance) validate() error {
	u, err := url.Parse(i.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ErrInstance
	}
	if i.ID == "" || len(i.ID) > 128 || i.Weight < 0 || i.Weight > 1000 {
		return ErrInstance
	}
	return nil
}

// Config tunes a Registry; the zero value of each field means its default. All
// processes need the same TTL.
type Config struct {
	Beat   time.Duration // between two heartbeats; default 5 s
	TTL    time.Duration // after its last beat an instance is gone; default 10 s
	Look   time.Duration // between two looks of a watcher that heard nothing; default 10 s
	Prefix string        // of the keys in Redis; default "souk:registry:"
	Log    *slog.Logger  // told of beats and looks that fail; nil discards
}

func (c Config) withDefaults() Config {
	c.Beat = cmp.Or(c.Beat, 5*time.Second)
	c.TTL = cmp.Or(c.TTL, 10*time.Second)
	c.Look = cmp.Or(c.Look, 10*time.Second)
	c.Prefix = cmp.Or(c.Prefix, "souk:registry:")
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c
}

// Validate reports settings that cannot work, as ErrConfig.
func (c Config) Validate() error {
	c = c.withDefaults()
	if c.Beat < time.Millisecond || c.Look < time.Millisecond || c.TTL <= c.Beat {
		return fmt.Errorf("%w: beat %v, TTL %v, look %v", ErrConfig, c.Beat, c.TTL, c.Look)
	}
	return nil
}

// Registry is the directory in one Redis. Safe for concurrent use; it owns no
// goroutine.
type Registry struct {
	rdb     *redisclient.Client
	bus     *pubsub.Bus
	cfg     Config
	scripts redisclient.Scripts
}

// New makes a Registry whose changes are broadcast on bus. It asks nothing of
// Redis. An error is ErrConfig.
func New(rdb *redisclient.Client, bus *pubsub.Bus, cfg Config) (*Registry, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	scripts, err := redisclient.LoadScripts(luaFiles)
	if err != nil {
		return nil, err
	}
	return &Registry{rdb: rdb, bus: bus, cfg: cfg.withDefaults(), scripts: scripts}, nil
}

// topic is what broadcasts about memberships are sent on, with the service as
// their key.
const topic = "registry"

// keys of a service, in one slot: when each instance ends, what they are, and
// the service's own facts.
func (r *Registry) keys(service string) []string {
	tag := r.cfg.Prefix + "{" + service + "}"
	return []string{tag + ":ends", tag + ":instances", tag + ":service"}
}

// run runs a script that returns {version, changed, …}, and broadcasts a
// change that it made or found.
func (r *Registry) run(ctx context.Context, script, service string, args ...any) ([]any, error) {
	reply, err := r.scripts.Run(ctx, r.rdb.Write(), script, r.keys(service), append([]any{r.cfg.TTL.Milliseconds()}, args...)...).Slice()
	if err != nil {
		return nil, fmt.Errorf("registry: %s %s: %w", script, service, err)
	}
	if len(reply) < 2 {
		return nil, fmt.Errorf("registry: %s %s: %w", script, service, redis.Nil)
	}
	if changed, _ := reply[1].(int64); changed == 1 {
		r.announce(ctx, service, number(reply[0]))
	}
	return reply, nil
}

// announce says that the membership changed. When it fails, watchers find out
// at their next look.
func (r *Registry) announce(ctx context.Context, service string, version int64) {
	err := r.bus.Publish(ctx, pubsub.Message{Topic: topic, Key: service, Version: version, Status: "changed"})
	if err != nil {
		r.cfg.Log.WarnContext(ctx, "change of a service was not broadcast", "service", service, "error", err)
	}
}

// number reads an integer that a script gave as text, as Redis would print
// large numbers of Lua in another form.
func number(v any) int64 {
	text, _ := v.(string)
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

func checkService(service string) error {
	if service == "" || len(service) > 128 {
		return ErrService
	}
	return nil
}
