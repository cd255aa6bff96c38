package loadgen

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// overrun is how long after the end arrivals that are behind are still sent.
const overrun = 5 * time.Second

// schedule hands out the arrivals. Safe for concurrent use.
type schedule struct {
	start, end time.Time
	rate       float64 // per second; 0 is a closed loop
	taken      atomic.Int64
	givenUp    atomic.Int64
}

func newSchedule(start time.Time, length time.Duration, rate float64) *schedule {
	return &schedule{start: start, end: start.Add(length), rate: rate}
}

// next takes the next arrival and waits until it is due; false when there are
// no more. In a closed loop an arrival is due as soon as somebody asks for it.
func (s *schedule) next(ctx context.Context) (n int64, at time.Time, due bool) {
	n = s.taken.Add(1) - 1
	if s.rate == 0 {
		now := time.Now()
		return n, now, now.Before(s.end) && ctx.Err() == nil
	}
	at = s.start.Add(time.Duration(math.Round(float64(n) / s.rate * float64(time.Second))))
	if !at.Before(s.end) {
		return n, at, false
	}
	if time.Now().After(s.end.Add(overrun)) || !sleepUntil(ctx, at) {
		s.givenUp.Add(1)
		return n, at, false
	}
	return n, at, true
}

// unsent counts the arrivals that had their time and were not handed out. Call
// it when no client asks any more.
func (s *schedule) unsent() int {
	if s.givenUp.Load() == 0 {
		return 0
	}
	all := int64(math.Ceil(s.end.Sub(s.start).Seconds() * s.rate))
	return int(s.givenUp.Load() + max(0, all-s.taken.Load()))
}

func sleepUntil(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
