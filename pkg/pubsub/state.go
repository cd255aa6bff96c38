package pubsub

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"souk.example/pkg/redisclient"
)

// StateConfig tunes a State; the zero value of each field means its default.
type StateConfig[T any] struct {
	// Check is how often the version in Redis is looked at, which finds what
	// no broadcast has told; default 1 s, the same in all processes. After a
	// loss of Redis' memory, Update waits for twice that.
	Check time.Duration
	// MaxBytes bounds the encoded value; default 1 MiB.
	MaxBytes int
	Prefix   string // of the key in Redis; default "souk:state:"
	// OnChange hears of each new value, on a goroutine of its own that Run
	// starts and waits for. It may block it; of the values that come
	// meanwhile, it hears of the last. A panic in it is logged and counted, and
	// the next value told.
	OnChange func(T)
}

func (c StateConfig[T]) withDefaults() StateConfig[T] {
	c.Check = cmp.Or(c.Check, time.Second)
	c.MaxBytes = cmp.Or(c.MaxBytes, 1<<20)
	c.Prefix = cmp.Or(c.Prefix, "souk:state:")
	if c.OnChange == nil {
		c.OnChange = func(T) {}
	}
	return c
}

// State is a value that every process reads and few change: a blacklist,
// feature flags. Each process holds a copy; a change is stored in Redis with a
// version and broadcast, and the others fetch it.
//
// The highest version wins. A process keeps its last good value while Redis is
// away. When Redis comes back without the value, or with an older one, the
// processes give back what they know, so that the newest known to any of them
// is in force again within Check and a moment, unless a Set replaces it; an
// Update waits for it and builds on it, within the limits it names. What no
// running process has seen is gone with Redis.
//
// Safe for concurrent use.
type State[T any] struct {
	bus     *Bus
	name    string
	key     string
	cfg     StateConfig[T]
	current atomic.Pointer[snapshot[T]]
	look    chan struct{} // something may be new in Redis, or here
}

// snapshot is one version of the value.
type snapshot[T any] struct {
	version int64  // µs of Redis' clock when it was written, or more
	data    []byte // value as JSON
	value   T
}

// NewState makes a State that is called name everywhere. T must survive JSON;
// give a new name to a new shape of T. It asks nothing of Redis: Get has a
// value when Run has fetched one. ErrConfig is the only error.
func NewState[T any](bus *Bus, name string, cfg StateConfig[T]) (*State[T], error) {
	cfg = cfg.withDefaults()
	switch {
	case bus == nil:
		return nil, fmt.Errorf("%w: a state's bus is nil", ErrConfig)
	case name == "" || len(name) > maxKey/2:
		return nil, fmt.Errorf("%w: a state's name is empty or longer than %d bytes", ErrConfig, maxKey/2)
	case cfg.Check < minInterval || cfg.MaxBytes < 0:
		return nil, fmt.Errorf("%w: Check must be at least %v and MaxBytes not negative", ErrConfig, minInterval)
	}
	return &State[T]{bus: bus, name: name, key: cfg.Prefix + name, cfg: cfg, look: make(chan struct{}, 1)}, nil
}

// Get returns the value in force here; ok is false while none is known. It
// neither blocks nor allocates. The value is shared: do not change it.
func (s *State[T]) Get() (value T, ok bool) {
	if now := s.current.Load(); now != nil {
		return now.value, true
	}
	return value, false
}

// Run keeps the value up to date until ctx ends and then returns nil. The Bus
// must run too; without it, changes are found after Check.
func (s *State[T]) Run(ctx context.Context) error {
	sub := s.bus.Subscribe(s.topic(), Handler{Message: s.hear, Resync: s.signal})
	defer sub.Close()
	var telling sync.WaitGroup
	defer telling.Wait()
	news := make(chan struct{}, 1)
	telling.Go(func() { s.tell(ctx, news) })
	outage := redisclient.Outage{
		Log: s.bus.cfg.Log.With("state", s.name), Begun: "state not compared with Redis", Ended: "state compared with Redis again",
	}
	for ctx.Err() == nil {
		err := s.sync(ctx)
		if ctx.Err() == nil {
			s.count(err)
			outage.Note(ctx, err)
		}
		wake(news)
		s.wait(ctx)
	}
	return nil
}

// count counts a failure, after which the value may be old.
func (s *State[T]) count(err error) {
	if err != nil {
		s.bus.metrics.stateFailures.WithLabelValues(s.name).Inc()
	}
}

// tell tells OnChange of new values until ctx ends. While it is blocked, Run
// goes on, and so gives back to Redis what others wait for.
func (s *State[T]) tell(ctx context.Context, news <-chan struct{}) {
	for told := int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-news:
		}
		if now := s.current.Load(); now != nil && now.version > told {
			told = now.version
			s.told(now.value)
		}
	}
}

func (s *State[T]) told(value T) {
	defer s.bus.caught("OnChange", s.topic())
	s.cfg.OnChange(value)
}

// wait returns when there may be something to do; the jitter keeps processes
// that started together from asking together.
func (s *State[T]) wait(ctx context.Context) {
	t := time.NewTimer(s.cfg.Check - rand.N(s.cfg.Check/4+1))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-s.look:
	case <-t.C:
	}
}

// hear is told of a change that somebody has made.
func (s *State[T]) hear(m Message) {
	if m.Version > s.version() {
		s.signal()
	}
}

func (s *State[T]) signal() { wake(s.look) }

// adopt puts next in force unless a newer version is.
func (s *State[T]) adopt(next *snapshot[T]) {
	for {
		now := s.current.Load()
		if now != nil && now.version >= next.version {
			return
		}
		if s.current.CompareAndSwap(now, next) {
			s.bus.metrics.stateVersion.WithLabelValues(s.name).Set(float64(next.version) / 1e6)
			s.signal()
			return
		}
	}
}

// version is that of the value in force, 0 if none is.
func (s *State[T]) version() int64 {
	if now := s.current.Load(); now != nil {
		return now.version
	}
	return 0
}

// decoded makes a snapshot whose value nobody else holds.
func (s *State[T]) decoded(version int64, data []byte) (*snapshot[T], error) {
	next := &snapshot[T]{version: version, data: data}
	if err := json.Unmarshal(data, &next.value); err != nil {
		return nil, fmt.Errorf("state %s: decode version %d: %w", s.name, version, err)
	}
	return next, nil
}

func (s *State[T]) topic() string { return "state:" + s.name }
