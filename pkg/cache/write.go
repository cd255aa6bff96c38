package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"souk.example/pkg/pubsub"
)

// What a broadcast says of a key.
const (
	statusInvalidated = "invalidated"
	statusAnnounced   = "announced" // it may come to exist soon
	statusGreeting    = "greeting"  // is no key, but a cache that wants to hear itself
)

// Set writes a value through, after the source has it. It voids loads under
// way and tells other processes to drop theirs. Of two concurrent Sets the
// later call wins, which need not be the later change: prefer Invalidate
// where writers race. A value that is refused (*OversizeError, ErrTTL for one
// whose Lifetime is over, or what the codec says) invalidates the key instead.
// On another error L2 may hold the older value until its TTL.
func (c *Cache[T]) Set(ctx context.Context, key string, value T) error {
	if err := check(false, key); err != nil {
		return err
	}
	got, envelope, err := c.pack(key, value, true, 0)
	if err != nil {
		return errors.Join(err, c.Invalidate(ctx, key))
	}
	err = c.remote.set(ctx, key, envelope, got.life.hard)
	c.forget(key)
	return c.done(err, c.broadcast(ctx, statusInvalidated, key))
}

// Invalidate drops keys everywhere. Call it after the source has changed, and
// only by whoever changed it. A key that no cache can hold is an ErrKey, and the
// others are dropped all the same. On another error the keys are gone from this
// process, and others may serve them until their TTL. No keys, nothing happens.
func (c *Cache[T]) Invalidate(ctx context.Context, keys ...string) error {
	wrong := check(false, keys...)
	if wrong != nil {
		keys = slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !validKey(key) })
	}
	if len(keys) == 0 {
		return wrong
	}
	err := c.remote.remove(ctx, keys)
	for _, key := range keys {
		c.forget(key)
	}
	return c.done(wrong, err, c.broadcast(ctx, statusInvalidated, keys...))
}

// Announce tells the filters of all processes of keys that are about to exist:
// call it before the commit that creates them, and Invalidate after. On an
// error other processes may not find the keys until their filters are built
// again. The caller's cache needs no filter for that; without a bus, only
// a filter that it has is told.
func (c *Cache[T]) Announce(ctx context.Context, keys ...string) error {
	if err := check(false, keys...); err != nil || len(keys) == 0 {
		return err
	}
	c.exists(keys...)
	return c.done(c.broadcast(ctx, statusAnnounced, keys...))
}

// hear acts on another process' broadcast, or our own. A key that is spoken of
// may exist.
func (c *Cache[T]) hear(m pubsub.Message) {
	switch m.Status {
	case statusGreeting:
		if m.Key == c.id && c.filter != nil {
			c.filter.Doubt()
		}
	case statusAnnounced:
		c.counts.heard.Add(1)
		c.exists(m.Key)
	default:
		c.counts.heard.Add(1)
		c.forget(m.Key)
	}
}

// greet broadcasts until it succeeds. Whoever hears itself knows that it hears
// of every new key from now on, so that its filter can be built; a bus that is
// not connected yet says so by a resync.
func (c *Cache[T]) greet() {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), c.cfg.LoadTimeout)
		err := c.broadcast(ctx, statusGreeting, c.id)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-c.quit:
			return
		case <-time.After(c.cfg.RetryAfter):
		}
	}
}

// doubt is for missed broadcasts, which may have been about any key.
func (c *Cache[T]) doubt() {
	c.local.dropAll()
	c.flights.forgetAll()
	if c.filter != nil {
		c.filter.Doubt()
	}
}

// forget drops key from this process, together with the load of it that is
// under way: whoever comes now must not join that.
func (c *Cache[T]) forget(key string) {
	c.local.drop(key)
	c.flights.forget(key)
	c.exists(key)
}

// frameBytes is about how much is sent at a time. A broadcast holds up the bus
// for as long as it takes to read, and the bus keeps none over 64 KiB for those
// who missed it.
const frameBytes = 16 << 10

// messageBytes is about what a message takes besides its key.
const messageBytes = 200

func (c *Cache[T]) broadcast(ctx context.Context, status string, keys ...string) error {
	if c.bus == nil {
		return nil
	}
	var errs []error
	var frame []pubsub.Message
	size := 0
	for i, key := range keys {
		frame = append(frame, pubsub.Message{Topic: c.topic(), Key: key, Status: status})
		if size += messageBytes + len(key); size >= frameBytes || i == len(keys)-1 {
			errs = append(errs, c.publish(ctx, frame))
			frame, size = nil, 0
		}
	}
	return errors.Join(errs...)
}

// publish sends messages in pieces if that is more than the bus, which refuses
// it then before anything is sent, takes at a time.
func (c *Cache[T]) publish(ctx context.Context, frame []pubsub.Message) error {
	err := c.bus.Publish(ctx, frame...)
	if half := len(frame) / 2; half > 0 && errors.Is(err, pubsub.ErrTooLarge) {
		return errors.Join(c.publish(ctx, frame[:half]), c.publish(ctx, frame[half:]))
	}
	return err
}

func (c *Cache[T]) done(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cache %s: %w", c.name, err)
	}
	return nil
}
