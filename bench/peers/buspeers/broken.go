package buspeers

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// heard is what a subscriber was told.
type heard struct {
	mu      sync.Mutex
	keys    map[string]struct{}
	resyncs []time.Time
}

func (h *heard) key(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys[key] = struct{}{}
}

func (h *heard) resync() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resyncs = append(h.resyncs, time.Now())
}

func (h *heard) has(key string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.keys[key]
	return ok
}

// system publishes directly and subscribes through a proxy.
type system struct {
	publish func(ctx context.Context, key string) error
	heard   *heard
	close   func()
}

type opener func(ctx context.Context, publishAt, subscribeAt string) (*system, error)

const (
	span  = 5 * time.Second
	pause = 10 * time.Millisecond
	// grace is what the last broadcast may take to be delivered.
	grace = 300 * time.Millisecond
)

// broken breaks the subscription's connection, publishes for a while, and
// counts what did not arrive by the end of it.
func broken(ctx context.Context, r *engine.Redis, open opener, breakIt fault) (compare.Outcome, error) {
	proxy, err := engine.NewProxy(r.Addr())
	if err != nil {
		return compare.Outcome{}, err
	}
	defer proxy.Close()
	s, err := open(ctx, r.Addr(), proxy.Addr())
	if err != nil {
		return compare.Outcome{}, err
	}
	defer s.close()
	if err := untilHeard(ctx, s); err != nil {
		return compare.Outcome{}, err
	}
	begin := time.Now()
	if err := breakIt(ctx, proxy, r); err != nil {
		return compare.Outcome{}, err
	}
	published := publishFor(ctx, s, span)
	time.Sleep(grace)
	return s.judge(published, begin), nil
}

// untilHeard publishes until the subscription stands.
func untilHeard(ctx context.Context, s *system) error {
	for i := 0; !s.heard.has("ready"); i++ {
		if i == 500 {
			return fmt.Errorf("the subscription heard nothing")
		}
		if err := s.publish(ctx, "ready"); err != nil {
			return err
		}
		time.Sleep(pause)
	}
	return nil
}

// publishFor returns what it has published; what Redis did not take, as its
// connections too were broken, is not expected to arrive.
func publishFor(ctx context.Context, s *system, span time.Duration) (published []string) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for begin, i := time.Now(), 0; time.Since(begin) < span; i++ {
		key := "k" + strconv.Itoa(i)
		if err := s.publish(ctx, key); err == nil {
			published = append(published, key)
		}
		<-tick.C
	}
	return published
}

// judge counts what was missed since the fault. What is missed without a word
// is the hole: a subscriber that is told can start from the truth.
func (s *system) judge(published []string, since time.Time) compare.Outcome {
	missed := 0
	for _, key := range published {
		if !s.heard.has(key) {
			missed++
		}
	}
	told := "was not told"
	s.heard.mu.Lock()
	defer s.heard.mu.Unlock()
	resynced := false
	for _, at := range s.heard.resyncs {
		if at.After(since) {
			resynced = true
			told = fmt.Sprintf("told to resync after %v", at.Sub(since).Round(10*time.Millisecond))
			break
		}
	}
	if missed == 0 {
		return compare.Outcome{Seen: fmt.Sprintf("missed none of %d", len(published))}
	}
	return compare.Outcome{Hole: !resynced, Seen: fmt.Sprintf("missed %d of %d, %s", missed, len(published), told)}
}
