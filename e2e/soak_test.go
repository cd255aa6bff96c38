package e2e

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// soakLoad is how many orders a second are tried during a soak.
const soakLoad = 100

// TestSoak sells for as long as SOUK_SOAK says ("30m") while engines and the
// provider misbehave in turn, and demands that it ends at rest, clean, and that
// no service takes more and more memory.
func TestSoak(t *testing.T) {
	lasts, err := time.ParseDuration(os.Getenv("SOUK_SOAK"))
	if !native() || err != nil {
		t.Skip("a soak takes long, and native engines: make soak")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("SOUK_CHAOS_SEED=%d", seed)
	c := newChaos(t, proxiedSouk(t), seed)
	c.short = true
	customers, sku := richCustomers(t, c.souk, 4*clients), product(t, c.souk, 999_999)
	stop, work := make(chan struct{}), make(chan int)
	go metered(work, stop, soakLoad, new(atomic.Int64))
	givers := newGivers(t)
	answers := givers.among(carryOut(t, customers, work, buying(sku, 1), buying(sku, 1), buyingByCard(sku, "tok_ok")))
	memory := newResidents()
	var all []placed
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		all = append(all, takeWhile(answers, func() { c.soakRound(memory) })...)
	}
	close(stop)
	for p := range answers {
		all = append(all, p)
	}
	if want := int(lasts.Seconds()) * soakLoad / 2; acknowledged(all) < want {
		t.Errorf("void: %d orders in %s, want at least %d", acknowledged(all), lasts, want)
	}
	c.souk.restsClean(t)
	givers.allReturned()
	c.souk.restsClean(t)
	t.Logf("%d of %d attempts acknowledged\n%s", acknowledged(all), len(all), memory.report(t, lasts))
}

// soakRound is half a minute in which something is wrong for some seconds.
func (c *chaos) soakRound(memory *residents) {
	memory.look(c)
	faults := []func(){
		func() {},
		c.flushRedis, c.slowRedis, c.badProvider,
		func() { c.down("redis", 4*time.Second) },
		func() { c.down("kafka", 4*time.Second) },
		func() { c.down("mariadb", 0) },
		func() { c.pause("kafka", 20*time.Second) },
		func() { c.loseReplies("mariadb") },
		func() { c.loseReplies("redis") },
		func() { c.loseReplies("kafka") },
	}
	began := time.Now()
	faults[c.rand.IntN(len(faults))]()
	for time.Since(began) < 30*time.Second {
		memory.look(c)
		c.wait(5 * time.Second)
	}
}

// residents is what each service's replicas hold in memory together, over time.
type residents struct {
	began time.Time
	bytes map[string][]resident
}

type resident struct {
	at    time.Duration
	bytes float64
}

func newResidents() *residents {
	return &residents{began: time.Now(), bytes: map[string][]resident{}}
}

func (r *residents) look(c *chaos) {
	sums := map[string]float64{}
	for _, s := range c.souk.services(c.t) {
		sums[s.Name] += float64(s.RSS)
	}
	for name, bytes := range sums {
		r.bytes[name] = append(r.bytes[name], resident{time.Since(r.began), bytes})
	}
}

// report fails the test for each service that grows by 1 % an hour or more once
// it is warm, which it is after half of the time; a quarter of an hour tells.
func (r *residents) report(t *testing.T, lasts time.Duration) string {
	var text strings.Builder
	for name, all := range r.bytes {
		warm := all[len(all)/2:]
		slope, mean := trend(warm)
		fmt.Fprintf(&text, "%-10s %6.1f MiB, %+.2f %% an hour over the last %s\n", name, mean/(1<<20), 100*slope/mean, warm[len(warm)-1].at-warm[0].at)
		if lasts >= 30*time.Minute && slope >= mean/100 {
			t.Errorf("%s grows by %.2f %% an hour", name, 100*slope/mean)
		}
	}
	return text.String()
}

// trend is the median of the slopes between all pairs, in bytes an hour, which
// a few peaks do not move (H. Theil, 1950; P. K. Sen, 1968), and the mean.
func trend(of []resident) (slope, mean float64) {
	var slopes []float64
	for i, a := range of {
		mean += a.bytes / float64(len(of))
		for _, b := range of[i+1:] {
			slopes = append(slopes, (b.bytes-a.bytes)/(b.at-a.at).Hours())
		}
	}
	if len(slopes) == 0 {
		return math.NaN(), mean
	}
	slices.Sort(slopes)
	return slopes[len(slopes)/2], mean
}
