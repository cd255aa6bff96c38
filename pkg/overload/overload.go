// Package overload keeps a server from taking in more requests at a time than it
// can answer in good time: beyond an adaptive concurrency limit it refuses at
// once, so those it has taken in are answered, and the others need not wait to
// learn that they are not.
//
// The limit is a product of two things that are measured: by Little's law a
// server that answers r requests a second, each within t, has r × t of them in
// hand. When requests take longer than t on average, the limit falls to the part
// t / average of what was in hand; while it is used up and they do not, it grows.
// That is AIMD on latency (Chiu and Jain, "Analysis of the Increase and Decrease
// Algorithms for Congestion Avoidance in Computer Networks", 1989; AIMDLimit of
// Netflix's concurrency-limits), with the decrease of its GradientLimit. The
// latency is a bound that is given, not one that is learnt from idle times as
// Gradient2, Vegas and Envoy's filter do: where requests share transactions,
// latency grows with the load by design and that is no sign of overload.
package overload

import (
	"cmp"
	"errors"
	"sync"
	"time"
)

const (
	// window is how long a round lasts at least, in which latencies are
	// averaged.
	window = 200 * time.Millisecond
	// enough is how many answers a round takes at least.
	enough = 10
	// steepest is the part to which a limit falls at most in one round.
	steepest = 0.1
)

// Config bounds a Limiter; zero values take the defaults named in the tags.
type Config struct {
	Floor   int           `env:"SOUK_INFLIGHT_MIN" envDefault:"128" usage:"requests that may always be in hand at a time"`
	Ceiling int           `env:"SOUK_INFLIGHT_MAX" envDefault:"4096" usage:"most requests in hand at a time"`
	Latency time.Duration `env:"SOUK_INFLIGHT_LATENCY" envDefault:"2s" usage:"average latency above which fewer requests are taken in hand"`
}

func (c Config) withDefaults() Config {
	c.Floor = cmp.Or(c.Floor, 128)
	c.Ceiling = cmp.Or(c.Ceiling, 4096)
	c.Latency = cmp.Or(c.Latency, 2*time.Second)
	return c
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	c = c.withDefaults()
	if c.Floor < 1 || c.Ceiling < c.Floor || c.Latency < 0 {
		return errors.New("SOUK_INFLIGHT_MIN must be 1 or more and not above SOUK_INFLIGHT_MAX, SOUK_INFLIGHT_LATENCY positive")
	}
	return nil
}

// Limiter limits how many requests are in hand. It begins at the ceiling. Safe
// for concurrent use.
type Limiter struct {
	cfg Config

	mu       sync.Mutex
	limit    float64
	inFlight int
	rejected int64
	round    round
}

// round is what was seen of the requests taken in since it began: those before
// it have met a limit that was another.
type round struct {
	began time.Time
	peak  int // most requests in hand
	n     int // answers, and the time they took
	took  time.Duration
}

// New makes a Limiter.
func New(cfg Config) *Limiter {
	cfg = cfg.withDefaults()
	return &Limiter{cfg: cfg, limit: float64(cfg.Ceiling), round: round{began: time.Now()}}
}

// Take takes a request in hand, or refuses it with false. Who was taken in calls
// done once, when it is answered. It never blocks.
func (l *Limiter) Take() (done func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inFlight >= int(l.limit) {
		l.rejected++
		return nil, false
	}
	l.inFlight++
	l.round.peak = max(l.round.peak, l.inFlight)
	began := time.Now()
	return func() { l.done(began) }, true
}

func (l *Limiter) done(began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.inFlight--
	if began.Before(l.round.began) {
		return
	}
	l.round.n++
	l.round.took += now.Sub(began)
	if l.round.n >= enough && now.Sub(l.round.began) >= window {
		l.limit = l.next()
		l.round = round{began: now, peak: l.inFlight}
	}
}

// next is the limit after this round.
func (l *Limiter) next() float64 {
	average := l.round.took / time.Duration(l.round.n)
	limit := l.limit
	switch {
	case average > l.cfg.Latency:
		part := max(steepest, float64(l.cfg.Latency)/float64(average))
		limit = min(limit, float64(l.round.peak)) * part
	case float64(l.round.peak) >= limit*0.9: // else nobody knows whether more would do
		limit *= 1.1
	}
	return min(max(limit, float64(l.cfg.Floor)), float64(l.cfg.Ceiling))
}

// State is a Limiter at one moment.
type State struct {
	Limit, InFlight int
	Rejected        int64 // since it was made
}

// State tells where the limit is.
func (l *Limiter) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return State{Limit: int(l.limit), InFlight: l.inFlight, Rejected: l.rejected}
}
