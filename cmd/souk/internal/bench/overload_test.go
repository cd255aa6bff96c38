package bench

import (
	"testing"
	"time"

	"souk.example/cmd/souk/internal/bench/loadgen"
)

func TestWhatIsOwedInAnOverload(t *testing.T) {
	knee := Knee{PerS: 1000, P99MS: 100}
	for name, c := range map[string]struct {
		o    Overload
		held bool
	}{
		"as at the knee":        {Overload{AcceptedPerS: 1000, P99MS: 100}, true},
		"as little as is owed":  {Overload{AcceptedPerS: 800, P99MS: 200, RecoveryS: 10}, true},
		"too few are accepted":  {Overload{AcceptedPerS: 790, P99MS: 100}, false},
		"they wait too long":    {Overload{AcceptedPerS: 1000, P99MS: 202}, false},
		"it takes long to heal": {Overload{AcceptedPerS: 1000, P99MS: 100, RecoveryS: 11}, false},
		"nobody is served":      {Overload{}, false},
		"nine in ten were sent": {Overload{OfferedPerS: 3000, SentPerS: 2700, AcceptedPerS: 1000, P99MS: 100}, true},
		"fewer were":            {Overload{OfferedPerS: 3000, SentPerS: 2699, AcceptedPerS: 1000, P99MS: 100}, false},
	} {
		if c.o.judge(knee); c.o.Held != c.held {
			t.Errorf("%s: held %t, %+v", name, c.o.Held, c.o)
		}
	}
}

// After an overload, ten orders a second are sent for as long as it is watched.
func TestRecoveryIsTheEndOfTheLastBadSecond(t *testing.T) {
	knee, began := Knee{PerS: 20, P99MS: 100}, time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		slow, refused int // the second in which all are, from 1; 0: none
		want          float64
	}{
		"at once":                          {0, 0, 0},
		"slow in the first second":         {1, 0, 1},
		"refused in the third":             {0, 3, 3},
		"good, then slow again, then good": {7, 2, 7},
		"not within the time":              {int(recoveryWatch / time.Second), 0, recoveryWatch.Seconds()},
	} {
		var samples []loadgen.Sample
		for n := range 10 * int(recoveryWatch/time.Second) {
			s := loadgen.Sample{At: began.Add(time.Duration(n) * 100 * time.Millisecond), Took: 50 * time.Millisecond}
			if second := n/10 + 1; second == c.slow {
				s.Took = 201 * time.Millisecond
			} else if second == c.refused {
				continue
			}
			samples = append(samples, s)
		}
		if got := recovered(samples, began, knee); got != c.want {
			t.Errorf("%s: %g s, want %g", name, got, c.want)
		}
	}
}

// Late arrivals and refused ones were sent.
func TestWhatWasSent(t *testing.T) {
	if n := sent(loadgen.Outcome{Samples: make([]loadgen.Sample, 100), Errors: map[string]int{"503 overloaded": 700, "no answer: timeout": 1}, Unsent: 5}); n != 801 {
		t.Errorf("%d were sent", n)
	}
}
