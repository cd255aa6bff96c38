package figures_test

import (
	"testing"
	"time"

	"souk.example/cmd/souk/internal/bench/figures"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		{nil, 50, 0},
		{[]time.Duration{7}, 1, 7},
		{[]time.Duration{7}, 99, 7},
		{[]time.Duration{1, 2}, 50, 1},
		{[]time.Duration{1, 2}, 51, 2},
		{[]time.Duration{1, 2, 3}, 100, 3},
		{hundred, 50, 50},
		{hundred, 95, 95},
		{hundred, 99, 99},
		{hundred, 99.5, 100},
	} {
		if got := figures.Percentile(c.values, c.p); got != c.want {
			t.Errorf("Percentile(%v, %g) = %d, want %d", c.values, c.p, got, c.want)
		}
	}
}

func TestNothingToDivideByIsZero(t *testing.T) {
	for name, got := range map[string]float64{
		"share":      figures.Share(3, 0),
		"each":       figures.MicrosecondsEach(time.Second, 0),
		"per second": figures.PerSecond(3, 0),
	} {
		if got != 0 {
			t.Errorf("%s of nothing is %g", name, got)
		}
	}
}

func TestFiguresKeepFewDigits(t *testing.T) {
	for name, c := range map[string]struct{ got, want float64 }{
		"milliseconds":      {figures.Milliseconds(1234567 * time.Nanosecond), 1.23},
		"microseconds each": {figures.MicrosecondsEach(time.Second, 7), 142857.1},
		"per second":        {figures.PerSecond(1000, 3*time.Second), 333.3},
		"share":             {figures.Share(1, 4), 0.25},
	} {
		if c.got != c.want {
			t.Errorf("%s: %g, want %g", name, c.got, c.want)
		}
	}
}
