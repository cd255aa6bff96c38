package order_test

import (
	"testing"
	"testing/synctest"
	"time"

	"souk.example/services/order/internal/order"
)

// observe tells p of a trip five times a second, as a busy service does.
func observe(p *order.Pacer, trip time.Duration, seconds int) {
	for range 5 * seconds {
		time.Sleep(200 * time.Millisecond)
		p.Observe(trip)
	}
}

func TestThePaceFollowsTheTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p order.Pacer
		if d := p.Delay(500); d != 0 {
			t.Errorf("at first it delays by %s", d)
		}
		observe(&p, 400*time.Millisecond, 10)
		if d := p.Delay(500); d != 0 {
			t.Errorf("with good trips it delays by %s", d)
		}
		observe(&p, 600*time.Millisecond, 1)
		slow := p.Delay(500)
		observe(&p, 3*time.Second, 1)
		if worse := p.Delay(500) - slow; slow <= 0 || worse <= slow {
			t.Errorf("it delays by %s after a second of long trips, and %s more after one of longer ones", slow, worse)
		}
		observe(&p, time.Minute, 60)
		if d := p.Delay(500); d < 100*time.Millisecond || d > time.Second {
			t.Errorf("at its slowest it delays by %s, want enough to be felt and no outage", d)
		}
		if d := p.Delay(1); d <= 0 || d > time.Millisecond {
			t.Errorf("it delays batches of one by %s", d)
		}
		observe(&p, 400*time.Millisecond, 10)
		if d := p.Delay(500); d != 0 {
			t.Errorf("ten seconds after the backlog it delays by %s", d)
		}
	})
}

// When nothing comes back at all, the delay would help nobody.
func TestThePaceForgetsWhatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p order.Pacer
		observe(&p, time.Minute, 10)
		if p.Delay(500) == 0 {
			t.Fatal("it does not delay")
		}
		time.Sleep(3 * time.Second)
		if d := p.Delay(500); d != 0 {
			t.Errorf("it delays by %s, three seconds after the last trip", d)
		}
	})
}
