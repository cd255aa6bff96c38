package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fault is one row of the fault suite: what befalls souk while clients buy.
type fault struct {
	name    string
	inflict func(c *chaos)
	// accepts is the least share of attempts, in percent, that must become
	// orders while it lasts. 0: whatever fails, fails.
	accepts float64
	// declines says that orders may be cancelled: cards are declined, too.
	declines bool
	// settles is the longest wait, once it is over, for every order to end;
	// none: a minute.
	settles time.Duration
	// resumes is the longest wait, once it is over, for the next order; none: a
	// minute.
	resumes time.Duration
}

// chaos is a souk on native engines, two replicas of each service, and its load.
type chaos struct {
	t         *testing.T
	souk      *souk
	customers []*customer
	rand      *rand.Rand
	short     bool // each fault once, briefly
}

// TestChaos inflicts one fault after the other on a souk that sells 100 times a
// second, every third time by card, and takes up to a tenth back. After each
// it demands that orders are taken again, that every acknowledged one comes to
// rest, that every acknowledged return is carried out, and that the audit finds
// nothing. SOUK_CHAOS is "quick" or "full"; SOUK_CHAOS_SEED repeats a run.
func TestChaos(t *testing.T) {
	if !native() || os.Getenv("SOUK_CHAOS") == "" {
		t.Skip("the fault suite takes minutes, and native engines: make chaos, make chaos-quick")
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SOUK_CHAOS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SOUK_CHAOS_SEED=%d", seed)
	c := newChaos(t, proxiedSouk(t), seed)
	var table []string
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			c.t = t
			table = append(table, fmt.Sprintf("%-40s %s", f.name, c.row(f)))
		})
	}
	t.Logf("seed %d\n%s", seed, strings.Join(table, "\n"))
}

// newChaos prepares the load on a souk; SOUK_CHAOS says how long faults last.
func newChaos(t *testing.T, s *souk, seed uint64) *chaos {
	t.Helper()
	return &chaos{
		t: t, souk: s, customers: richCustomers(t, s, clients),
		rand: rand.New(rand.NewPCG(seed, 0)), short: os.Getenv("SOUK_CHAOS") == "quick",
	}
}

func faults() []fault {
	return []fault{
		{name: "no fault", inflict: func(c *chaos) { c.last(10 * time.Second) }, accepts: 100, settles: 30 * time.Second},
		{name: "kill -9 of services", inflict: (*chaos).killServices},
		{name: "replicas stopped for twice their lease", inflict: (*chaos).pauseReplicas},
		{name: "replicas stopped until their partitions are others'", inflict: (*chaos).zombies},
		{name: "consumer groups rebalanced all the time", inflict: (*chaos).rebalance, accepts: 99},
		{name: "services restarted in turn", inflict: (*chaos).restartServices, accepts: 100},
		{name: "Redis flushed every second", inflict: (*chaos).flushRedis, accepts: 99},
		{name: "Redis slow", inflict: (*chaos).slowRedis, accepts: 99},
		{name: "Redis down", inflict: func(c *chaos) { c.down("redis", 30*time.Second) }, accepts: 99},
		{name: "Kafka down", inflict: func(c *chaos) { c.down("kafka", time.Minute) }, accepts: 99, settles: 30 * time.Second},
		{name: "Kafka a black hole", inflict: func(c *chaos) { c.pause("kafka", 20*time.Second) }, accepts: 99},
		{name: "MariaDB killed", inflict: func(c *chaos) { c.down("mariadb", 0) }, resumes: 15 * time.Second},
		{name: "MariaDB a black hole", inflict: func(c *chaos) { c.pause("mariadb", 5*time.Second) }, resumes: 15 * time.Second},
		{name: "a provider that misbehaves", inflict: (*chaos).badProvider, accepts: 99, declines: true},
		{name: "replies of MariaDB lost", inflict: func(c *chaos) { c.loseReplies("mariadb") }},
		{name: "replies of Redis lost", inflict: func(c *chaos) { c.loseReplies("redis") }, accepts: 99},
		{name: "replies of Kafka lost", inflict: func(c *chaos) { c.loseReplies("kafka") }, accepts: 99},
		{name: "deadlocks in MariaDB", inflict: (*chaos).deadlocks, accepts: 99},
		{name: "every event up to five times, shuffled", inflict: (*chaos).repeatEvents, accepts: 99},
		{name: "histories recorded while services are killed", inflict: (*chaos).histories},
		{name: "all at once", inflict: (*chaos).everything, declines: true},
	}
}

// loadHeld is how many orders must be acknowledged before a fault and after it.
const loadHeld = 100

// row inflicts a fault under load and returns the row's figures.
func (c *chaos) row(f fault) string {
	sku := product(c.t, c.souk, 999_999)
	stop, work := make(chan struct{}), make(chan int)
	end := sync.OnceFunc(func() { close(stop) })
	var missed atomic.Int64
	go metered(work, stop, 100, &missed)
	givers := newGivers(c.t)
	answers := givers.among(carryOut(c.t, c.customers, work, buying(sku, 1), buying(sku, 1), buyingByCard(sku, "tok_ok")))
	defer func() { // also of a row that gives up: no client may wait for us
		end()
		for range answers {
		}
	}()
	all := takeAcknowledged(c.t, answers, loadHeld)
	began, before := time.Now(), missed.Load()
	all = append(all, takeWhile(answers, func() { f.inflict(c) })...)
	over, unsent := time.Now(), missed.Load()-before
	first := takeAcknowledged(c.t, answers, 1)
	resumed := time.Since(over)
	all = slices.Concat(all, first, takeAcknowledged(c.t, answers, loadHeld))
	end()
	for p := range answers {
		all = append(all, p)
	}
	if f.resumes > 0 && resumed > f.resumes {
		c.t.Errorf("the first order came %s after the fault, want %s", resumed, f.resumes)
	}
	during := slices.DeleteFunc(slices.Clone(all), func(p placed) bool { return p.began.Before(began) || p.began.After(over) })
	c.held(f, len(during), int(unsent))
	return c.settle(f, during, all, resumed, givers)
}

// held fails a row that is to accept orders while its clients all waited: who
// does not ask is not refused.
func (c *chaos) held(f fault, attempts, unsent int) {
	if f.accepts > 0 && unsent > attempts/4 {
		c.t.Errorf("void: %d attempts were made, and %d were not, for want of a client that did not wait", attempts, unsent)
	}
}

// settle waits for every acknowledged order and return to end, and audits.
func (c *chaos) settle(f fault, during, all []placed, resumed time.Duration, returns *givers) string {
	limit := f.settles
	if limit == 0 {
		limit = time.Minute
	}
	began := time.Now()
	counts := outcomes(c.t, all, limit)
	settled := time.Since(began)
	share := c.accepted(f, during)
	for outcome := range counts {
		if !expected(outcome) && (outcome != "CANCELLED" || !f.declines) {
			c.t.Errorf("outcomes %v: no order is refused or closed for what befell the machine", counts)
		}
	}
	returns.allReturned()
	c.souk.restsClean(c.t)
	return fmt.Sprintf("%6d acknowledged, %6.2f %% accepted meanwhile, resumed after %6s, settled after %6s, clean: %v",
		acknowledged(all), share, resumed.Round(10*time.Millisecond), settled.Round(10*time.Millisecond), counts)
}

func expected(outcome string) bool {
	return outcome == "COMPLETED" || outcome == "RETURNED" || outcome == "no answer" || strings.HasPrefix(outcome, "5")
}

// accepted is the share of attempts during a fault that became orders.
func (c *chaos) accepted(f fault, during []placed) float64 {
	if len(during) == 0 {
		c.t.Error("void: nobody tried to buy while it lasted")
		return 0
	}
	share := 100 * float64(acknowledged(during)) / float64(len(during))
	if share < f.accepts {
		c.t.Errorf("%.2f %% of %d attempts were accepted, want %g %%", share, len(during), f.accepts)
	}
	return share
}

func acknowledged(answers []placed) (n int) {
	for _, p := range answers {
		if p.status == http.StatusCreated {
			n++
		}
	}
	return n
}

// metered counts up into work, rate times a second, until stop is closed. When
// all clients wait it drops what is due, and counts it in missed.
func metered(work chan<- int, stop <-chan struct{}, rate int, missed *atomic.Int64) {
	defer close(work)
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		select {
		case work <- i:
		default:
			missed.Add(1)
		}
	}
}

// last lets a fault last for d, or a quarter of it in a short run.
func (c *chaos) last(d time.Duration) {
	if c.short {
		d /= 4
	}
	c.wait(d)
}

func (c *chaos) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.t.Context().Done():
	}
}

// rounds is how often a repeated fault is inflicted.
func (c *chaos) rounds(n int) int {
	if c.short {
		return max(1, n/4)
	}
	return n
}

func (c *chaos) up() {
	if err := c.souk.up(); err != nil {
		c.t.Error(err)
	}
}

// services are the replicas that run; of the gateway not the first, to whom the
// clients speak.
func (c *chaos) services() []serviceStatus {
	return slices.DeleteFunc(c.souk.services(c.t), func(s serviceStatus) bool {
		return s.PID == 0 || s.Name == "gateway" && s.Replica == 1
	})
}

func (c *chaos) anyOf(services []serviceStatus) serviceStatus {
	return services[c.rand.IntN(len(services))]
}
