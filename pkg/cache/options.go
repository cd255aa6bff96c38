package cache

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/pubsub"
)

// Option changes how a Cache is made.
type Option[T any] func(*Cache[T])

// WithCodec replaces JSON as the encoding in L2.
func WithCodec[T any](codec Codec[T]) Option[T] { return func(c *Cache[T]) { c.codec = codec } }

// WithCost measures entries of L1 against Config.MaxCost; without it each
// entry costs 1. An absence is measured with the zero value.
func WithCost[T any](cost func(key string, value T) uint32) Option[T] {
	return func(c *Cache[T]) { c.cost = cost }
}

// Lifetime is how long one value lives. A zero field means what Config says;
// a Soft that is longer than Hard means Hard. A negative Hard says that the
// value has expired already: it is returned and not kept.
type Lifetime struct{ Soft, Hard time.Duration }

// WithLifetime lets each value found choose its TTLs, by its key or by
// anything the loader left in it, such as the source's own expiry. The jitter
// applies to the answer.
func WithLifetime[T any](lifetime func(key string, value T) Lifetime) Option[T] {
	return func(c *Cache[T]) { c.lifetime = lifetime }
}

// WithBus tells other processes of invalidations and hears theirs. Without it
// their L1 entries live out their TTL.
func WithBus[T any](bus *pubsub.Bus) Option[T] { return func(c *Cache[T]) { c.bus = bus } }

// WithFilter answers for keys that do not exist without asking L2 or the
// source. It needs WithBus. A filter serves one cache, which feeds it; its
// owner runs it.
func WithFilter[T any](filter *Filter) Option[T] { return func(c *Cache[T]) { c.filter = filter } }

// WithRenewals has values that are due loaded by load, up to 200 at once: those
// for which it is time within 10 ms of each other. Without it each is loaded by
// the loader that was given to the read that found it due. A group takes one of
// Config.MaxRefreshes.
func WithRenewals[T any](load BatchLoader[T]) Option[T] {
	return func(c *Cache[T]) { c.renewals.load = load }
}

// WithMetrics registers the cache's metrics, labelled with its name.
func WithMetrics[T any](reg prometheus.Registerer) Option[T] {
	return func(c *Cache[T]) { c.reg = reg }
}

// WithTracer makes each call of a loader that is part of a sampled trace a span,
// named "cache load". Hits have none.
func WithTracer[T any](tracer trace.Tracer) Option[T] {
	return func(c *Cache[T]) { c.tracer = tracer }
}
