package consumer_test

import (
	"slices"
	"testing"

	"souk.example/contracts"
	"souk.example/contracts/pointsv1"
	"souk.example/pkg/eventbus"
)

// An award that is told again is what the order earned: not what it used, what
// of it went into a debt, or what its return has taken back.
func TestAnAwardToldAgainIsWhatWasEarned(t *testing.T) {
	w := newWorld(t)
	used, indebted := paidWith(t, 2, 5, 1_000, 80), paid(t, 3, 5, 3_000)
	events := []eventbus.Event{
		paid(t, 1, 5, 10_000), placed(t, 2, 5, 80), used, nudged(used),
		returned(t, 1, 5), indebted, nudged(indebted), returned(t, 2, 5), nudged(used),
	}
	if err := w.deliver(t.Context(), events, 1); err != nil {
		t.Fatal(err)
	}
	var earned []int64
	for _, e := range w.said.events {
		if e.Type != contracts.PointsAwarded.Name {
			continue
		}
		a, err := contracts.DecodeAs[pointsv1.PointsAwarded](e)
		if err != nil {
			t.Fatal(err)
		}
		earned = append(earned, a.Points)
	}
	if want := []int64{100, 10, 10, 30, 30, 10}; !slices.Equal(earned, want) {
		t.Errorf("order was told of %v points earned, want %v", earned, want)
	}
}
