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
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
)

// Errors of wrong use, reported at once.
var (
	ErrService  = errors.New("registry: service name is empty, longer than 128 bytes, not UTF-8 or has a brace, which Redis Cluster gives a meaning")
	ErrInstance = errors.New("registry: instance needs an id of 1 to 128 bytes of UTF-8, a URL of http(s), a host and perhaps a port, and a weight from 0 to 1,000")
	ErrConfig   = errors.New("registry: bad setting")
	// ErrDeregistered: the instance has left, and its id with it.
	ErrDeregistered = errors.New("registry: instance has deregistered")
	// ErrRunning: Watcher.Run was called while it runs.
	ErrRunning = errors.New("registry: watcher runs already")
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

// Validate reports what cannot be sent requests to, as ErrInstance.
func (i Instance) Validate() error {
	u, err := url.Parse(i.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !addresses(u) {
		return ErrInstance
	}
	if i.ID == "" || len(i.ID) > 128 || !utf8.ValidString(i.ID) || i.Weight < 0 || i.Weight > 1000 {
		return ErrInstance
	}
	return nil
}

// addresses reports whether u names a host and a port that can be dialled, and
// nothing that sending requests there would leave out.
func addresses(u *url.URL) bool {
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
	rest := *u
	rest.Scheme, rest.Host, rest.Path = "", "", strings.TrimPrefix(u.Path, "/")
	return u.Hostname() != "" && err == nil && port > 0 && rest == url.URL{}
}

// Config tunes a Registry; the zero value of each field means its default. All
// processes need the same Beat and TTL.
type Config struct {
	Beat time.Duration // between two heartbeats; default 5 s
	TTL  time.Duration // after its last beat an instance is gone; default 10 s
	// Look is the longest time between two looks of a watcher; default, and at
	// most, (TTL − Beat)/2, which is 2.5 s: so often that a silence of all
	// tells that Redis was away.
	Look   time.Duration
	Prefix string       // of the keys in Redis; default "souk:registry:"
	Log    *slog.Logger // told when beats and looks fail, and when they no longer do; nil discards
}

func (c Config) withDefaults() Config {
	c.Beat = cmp.Or(c.Beat, 5*time.Second)
	c.TTL = cmp.Or(c.TTL, 10*time.Second)
	often := (c.TTL - c.Beat) / 2
	c.Look = min(cmp.Or(c.Look, often), often)
	c.Prefix = cmp.Or(c.Prefix, "souk:registry:")
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c
}

// Validate reports settings that cannot work, as ErrConfig.
func (c Config) Validate() error {
	c = c.withDefaults()
	if c.Beat < time.Millisecond || c.Look < time.Millisecond {
		return fmt.Errorf("%w: beat %v, TTL %v, look %v; they must be 1ms at least, and TTL longer than Beat by 2ms", ErrConfig, c.Beat, c.TTL, c.Look)
	}
	return nil
}

// pause is a silence of all who beat and look that means that Redis was away.
// A shorter one ends before an instance does that began it a Beat after its
// last beat, with time left to beat again.
func (c Config) pause() time.Duration { return (c.TTL - c.Beat) * 3 / 4 }

// Registry is the directory in one Redis. Safe for concurrent use; it owns no
// goroutine.
type Registry struct {
	rdb     *redisclient.Client
	bus     *pubsub.Bus
	cfg     Config
	scripts redisclient.Scripts
	metrics *metrics
	unheard redisclient.Outage // of broadcasts
}

// Option changes how a Registry is made.
type Option func(*Registry) error

// WithMetrics registers the registry's metrics, labelled by service.
func WithMetrics(reg prometheus.Registerer) Option {
	return func(r *Registry) error { return r.metrics.register(reg) }
}

// New makes a Registry whose changes are broadcast on bus. It asks nothing of
// Redis. An error is ErrConfig, also for a client or a bus that is nil, or a
// second registration of its metrics.
func New(rdb *redisclient.Client, bus *pubsub.Bus, cfg Config, opts ...Option) (*Registry, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if rdb == nil || bus == nil {
		return nil, fmt.Errorf("%w: the client or the bus is nil", ErrConfig)
	}
	scripts, err := redisclient.LoadScripts(luaFiles)
	if err != nil {
		return nil, err
	}
	r := &Registry{rdb: rdb, bus: bus, cfg: cfg.withDefaults(), scripts: scripts, metrics: newMetrics()}
	r.unheard = redisclient.Outage{Log: r.cfg.Log, Begun: "changes of services are not broadcast", Ended: "changes of services are broadcast again"}
	for _, opt := range opts {
		if err := opt(r); err != nil {
			return nil, fmt.Errorf("registry: %w", err)
		}
	}
	return r, nil
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
	args = append([]any{r.cfg.TTL.Milliseconds(), r.cfg.pause().Milliseconds()}, args...)
	reply, err := r.scripts.Run(ctx, r.rdb.Write(), script, r.keys(service), args...).Slice()
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
	r.unheard.Note(ctx, err)
}

// number reads an integer that a script gave as text, as Redis would print
// large numbers of Lua in another form.
func number(v any) int64 {
	text, _ := v.(string)
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

func checkService(service string) error {
	if service == "" || len(service) > 128 || !utf8.ValidString(service) || strings.ContainsAny(service, "{}") {
		return ErrService
	}
	return nil
}
