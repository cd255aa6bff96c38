package overload_test

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/overload"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server serves 1,000 requests a second, at most 100 at a time and each for a
// tenth of a second, in the order they come.
type server struct {
	limiter *overload.Limiter
	workers chan struct{}
}

func newServer(cfg overload.Config) *server {
	return &server{limiter: overload.New(cfg), workers: make(chan struct{}, 100)}
}

const (
	capacity = 1000 // requests a second
	service  = 100 * time.Millisecond
)

// figures are of requests that came in a stretch of time: how many, how many of
// them were served, and the longest that one took.
type figures struct {
	offered, served int
	longest         time.Duration
}

// offer sends so many requests a second, evenly, and returns the figures of the
// second half of that time when all are answered. It must run in a bubble.
func (s *server) offer(perSecond int, lasting time.Duration) figures {
	type answer struct {
		served bool
		took   time.Duration
	}
	n := perSecond * int(lasting/time.Second)
	answers := make(chan answer, n)
	for i := range n {
		time.Sleep(time.Second / time.Duration(perSecond))
		go func() {
			began := time.Now()
			done, ok := s.limiter.Take()
			if ok {
				s.workers <- struct{}{}
				time.Sleep(service)
				<-s.workers
				done()
			}
			if i >= n/2 {
				answers <- answer{ok, time.Since(began)}
			}
		}()
	}
	var f figures
	for range n - n/2 {
		a := <-answers
		f.offered++
		if a.served {
			f.served++
			f.longest = max(f.longest, a.took)
		}
	}
	return f
}

// What the server can do it does: nobody is refused below its capacity, and at
// it no more than one in twenty.
func TestNobodyIsRefusedWithinCapacity(t *testing.T) {
	for perSecond, least := range map[int]float64{100: 1, 900: 1, capacity: 0.95} {
		synctest.Test(t, func(t *testing.T) {
			f := newServer(overload.Config{Latency: 500 * time.Millisecond}).offer(perSecond, 20*time.Second)
			if float64(f.served) < least*float64(f.offered) {
				t.Errorf("at %d/s %d of %d were served", perSecond, f.served, f.offered)
			}
		})
	}
}

// However many come, the server goes on serving nearly as many as it can, in
// bounded time, and all of them soon after the storm.
func TestAStormCostsLittle(t *testing.T) {
	const latency = 500 * time.Millisecond
	for _, storm := range []int{3, 10} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(overload.Config{Latency: latency})
			f := s.offer(storm*capacity, 20*time.Second)
			if seconds := 10; f.served < capacity*seconds*8/10 || f.longest > 2*latency {
				t.Errorf("in a storm of %d times what it can the server served %d in %d s, the slowest in %s", storm, f.served, seconds, f.longest)
			}
			if f := s.offer(capacity*9/10, 20*time.Second); f.served != f.offered { // the last 10 s of 20
				t.Errorf("ten seconds after the storm %d of %d were served", f.served, f.offered)
			}
		})
	}
}

// A server that stands still for a while, and answers all at once then, is soon
// itself again.
func TestAStandstillIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(overload.Config{})
		var late []func()
		for {
			done, ok := s.limiter.Take()
			if !ok {
				break
			}
			late = append(late, done)
		}
		if len(late) != 4096 {
			t.Errorf("%d in hand, want the ceiling", len(late))
		}
		time.Sleep(10 * time.Second)
		for _, done := range late { // all of one jam, which is judged once
			done()
			time.Sleep(2 * time.Millisecond)
		}
		if limit := s.limiter.State().Limit; limit < 500 || limit > 1000 {
			t.Errorf("after ten seconds without an answer the limit is %d", limit)
		}
		if f := s.offer(capacity*9/10, 20*time.Second); f.served != f.offered {
			t.Errorf("afterwards %d of %d were served", f.served, f.offered)
		}
	})
}

// The limit stays between floor and ceiling.
func TestFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := overload.New(overload.Config{Floor: 20, Ceiling: 40, Latency: time.Second})
		for range 10 {
			var hand []func()
			for done, ok := l.Take(); ok; done, ok = l.Take() {
				hand = append(hand, done)
			}
			if len(hand) < 20 || len(hand) > 40 {
				t.Errorf("%d in hand", len(hand))
			}
			time.Sleep(time.Minute)
			for _, done := range hand {
				done()
			}
		}
		if s := l.State(); s.Limit != 20 || s.InFlight != 0 || s.Rejected != 10 {
			t.Errorf("%+v", s)
		}
	})
}

// A limit that is used up grows while all is well, up to the ceiling.
func TestALimitGrowsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := overload.New(overload.Config{Floor: 20, Ceiling: 40, Latency: time.Second})
		last := 0
		for round := range 20 {
			var hand []func()
			for done, ok := l.Take(); ok; done, ok = l.Take() {
				hand = append(hand, done)
			}
			if last = len(hand); round == 0 {
				time.Sleep(time.Minute)
			}
			time.Sleep(300 * time.Millisecond)
			for _, done := range hand {
				done()
			}
			if limit := l.State().Limit; round == 0 && limit != 20 {
				t.Errorf("after a jam the limit is %d", limit)
			}
		}
		if last != 40 {
			t.Errorf("%d in hand, want the ceiling", last)
		}
	})
}

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		cfg  overload.Config
		fits bool
	}{
		{overload.Config{}, true}, {overload.Config{Floor: 5, Ceiling: 5}, true}, {overload.Config{Floor: -1}, false},
		{overload.Config{Floor: 5, Ceiling: 4}, false}, {overload.Config{Latency: -1}, false},
	} {
		if err := tc.cfg.Validate(); (err == nil) != tc.fits {
			t.Errorf("%+v: %v", tc.cfg, err)
		}
	}
}
