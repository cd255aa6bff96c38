package cadence_test

import (
	"testing"
	"testing/synctest"
	"time"

	"souk.example/pkg/cadence"
)

func TestBatchesOfLoadAreSpaced(t *testing.T) {
	for _, c := range []struct {
		items int
		after time.Duration
		left  time.Duration
	}{
		{items: 1, after: 0, left: time.Millisecond},
		{items: 1, after: 2 * time.Millisecond, left: -time.Millisecond},
		{items: 30, after: 10 * time.Millisecond, left: 20 * time.Millisecond},
		{items: 5_000, after: 0, left: 50 * time.Millisecond},
		{items: 5_000, after: time.Second, left: -950 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			spaced := cadence.Cadence{Longest: 50 * time.Millisecond}
			spaced.Begin(c.items)
			time.Sleep(c.after)
			if got := spaced.Left(); got != c.left {
				t.Errorf("%d items, %s ago: %s left, want %s", c.items, c.after, got, c.left)
			}
		})
	}
}

func TestWithoutACadenceNobodyWaits(t *testing.T) {
	var none cadence.Cadence
	if got := none.Left(); got > 0 {
		t.Errorf("before the first batch %s are left", got)
	}
	none.Begin(500)
	if got := none.Left(); got > 0 {
		t.Errorf("after a batch %s are left", got)
	}
}
