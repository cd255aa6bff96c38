package pubsub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// seedSpread is the time over which processes give a lost value back, so that
// most find that another has done it.
const seedSpread = 40 * time.Millisecond

// sync makes Redis and this process agree on the newer of their versions.
func (s *State[T]) sync(ctx context.Context) error {
	stored, err := s.storedVersion(ctx)
	switch {
	case err != nil:
		return err
	case stored > s.version():
		_, err = s.fetch(ctx)
	case stored < s.version():
		err = s.seedUnlessOthersDo(ctx)
	}
	return err
}

func (s *State[T]) storedVersion(ctx context.Context) (int64, error) {
	version, err := s.bus.rdb.Read().HGet(ctx, s.key, "version").Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("state %s: %w", s.name, err)
	}
	return version, nil
}

// fetch reads what is stored and puts it in force if it is newer; nil without
// an error says that nothing is stored.
func (s *State[T]) fetch(ctx context.Context) (*snapshot[T], error) {
	fields, err := s.bus.rdb.Read().HMGet(ctx, s.key, "version", "data").Result()
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", s.name, err)
	}
	text, _ := fields[0].(string)
	data, _ := fields[1].(string)
	if text == "" {
		return nil, nil
	}
	version, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", s.name, err)
	}
	next, err := s.decoded(version, []byte(data))
	if err != nil {
		return nil, err
	}
	s.adopt(next)
	return next, nil
}

// seedUnlessOthersDo gives the value in force back to Redis and says so.
func (s *State[T]) seedUnlessOthersDo(ctx context.Context) error {
	if err := sleep(ctx, rand.N(seedSpread)); err != nil {
		return err
	}
	now := s.current.Load()
	if stored, err := s.storedVersion(ctx); err != nil || stored >= now.version {
		return err
	}
	return s.seed(ctx, now)
}

func (s *State[T]) seed(ctx context.Context, known *snapshot[T]) error {
	stored, err := s.bus.scripts.Run(ctx, s.bus.rdb.Write(), "state_seed", []string{s.key}, known.version, known.data).Bool()
	if err != nil {
		return fmt.Errorf("state %s: give back: %w", s.name, err)
	}
	if !stored {
		return nil
	}
	s.bus.metrics.stateSeeds.WithLabelValues(s.name).Inc()
	return s.announce(ctx, known.version)
}

func (s *State[T]) announce(ctx context.Context, version int64) error {
	return s.bus.Publish(ctx, Message{Topic: s.topic(), Key: s.name, Version: version, Status: "changed"})
}
