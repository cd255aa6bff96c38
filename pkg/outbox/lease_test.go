package outbox_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/outbox"
)

func TestReplicasShareFairly(t *testing.T) {
	s := newShop(t)
	first := s.run(nil)
	s.until("the first owns all", func() bool { return first.owned(t) == partitions })
	second := s.run(nil)
	s.until("both own half", func() bool { return first.owned(t) == partitions/2 && second.owned(t) == partitions/2 })
	for i := range 100 {
		s.emit(first, i, fmt.Sprint("e", i))
	}
	s.untilDrained()
	if got := s.broker.total(); got != 100 {
		t.Errorf("%d events arrived, want each of 100 once", got)
	}
	second.stop()
	s.until("the first owns all again", func() bool { return first.owned(t) == partitions })
}

// Processes that start together want the same rows: each partition still gets
// one relay, so no event comes twice.
func TestManyStartAtOnce(t *testing.T) {
	s := newShop(t)
	cli := s.process(nil)
	relays := make([]*process, 6)
	for i := range relays {
		relays[i] = s.run(nil)
	}
	emitted := 0
	for settled := false; !settled; emitted++ {
		s.emit(cli, emitted, fmt.Sprint("e", emitted))
		owned := 0
		for _, r := range relays {
			owned += r.owned(t)
		}
		settled = owned == partitions && emitted >= 200
	}
	s.untilDrained()
	if got := s.broker.total(); got != emitted {
		t.Errorf("%d events arrived for %d", got, emitted)
	}
}

// Replicas of different versions know different topics: no partition of the
// new topic may wait for a replica that does not know it.
func TestReplicasOfTwoVersions(t *testing.T) {
	s := newShop(t)
	old := s.run(nil)
	s.until("the old one owns its topic", func() bool { return old.owned(t) == partitions })
	young := s.run(func(c *outbox.Config) { c.Topics = []string{topic, "souk.new.v1"} })
	s.until("the new one owns the new topic and half of the old", func() bool {
		return young.owned(t) == partitions+partitions/2 && old.owned(t) == partitions/2
	})
}

func TestRestartDoesNotWaitForTheLease(t *testing.T) {
	s := newShop(t)
	long := func(c *outbox.Config) { c.LeaseTTL = time.Hour }
	first := s.run(long)
	s.until("the first owns all", func() bool { return first.owned(t) == partitions })
	first.stop()
	second := s.run(long)
	s.until("the second owns all", func() bool { return second.owned(t) == partitions })
}

// The database goes away under the first process, which so can neither renew
// nor release: what kill -9 looks like to the others.
func TestTakeoverAfterAKill(t *testing.T) {
	s := newShop(t)
	first := s.run(shortLease)
	s.until("the first owns all", func() bool { return first.owned(t) == partitions })
	if err := first.db.Close(); err != nil {
		t.Fatal(err)
	}
	second := s.run(shortLease)
	s.emit(second, 0, "orphan")
	s.untilDrained()
	if !s.broker.has(0, "orphan") {
		t.Error("the event did not arrive")
	}
	s.until("the first knows", func() bool { return first.owned(t) == 0 })
}

// While another process owns the partitions, nothing is published here.
func TestLeaseOfAnotherIsRespected(t *testing.T) {
	s := newShop(t)
	p := s.run(shortLease)
	s.until("the relay owns all", func() bool { return p.owned(t) == partitions })
	forever := database.Micros(time.Now().Add(time.Hour))
	s.exec("UPDATE relay_lease SET owner = 'thief', epoch = epoch + 1, until = ?", forever)
	s.until("the relay knows", func() bool { return p.owned(t) == 0 })
	s.emit(p, 0, "waiting")
	s.untilRenewedTwice()
	if s.broker.total() != 0 {
		t.Error("published without a lease")
	}
	s.exec("UPDATE relay_lease SET until = 0")
	s.untilDrained()
}

// untilRenewedTwice waits until the only relay has renewed its membership twice.
func (s *shop) untilRenewedTwice() {
	s.t.Helper()
	const query = "SELECT until FROM relay_member"
	for range 2 {
		seen := s.count(query)
		s.until("the relay renews", func() bool { return s.count(query) != seen })
	}
}

// Renewals hang while broker and outbox work: the lease runs out, and from
// then on nothing may be published.
func TestNothingIsPublishedOnALeaseThatRanOut(t *testing.T) {
	s := newShop(t)
	if s.db.Dialect() == database.SQLite {
		t.Skip("one writer: who holds up renewals holds up the events too")
	}
	p := s.run(shortLease)
	s.until("the relay owns all", func() bool { return p.owned(t) == partitions })
	unlock := s.lockLeases()
	s.until("the leases have run out", func() bool {
		return s.count("SELECT COUNT(*) FROM relay_lease WHERE until > UNIX_TIMESTAMP(NOW(6)) * 1000000") == 0
	})
	s.emit(p, 0, "too late")
	s.until("the relay notices", func() bool { return metric(t, p.telemetry, "souk_outbox_failures_total") > 0 || p.owned(t) == 0 })
	if s.broker.total() != 0 {
		t.Error("published on a lease that ran out")
	}
	unlock()
	s.untilDrained()
}

// A round that is in hand when the process is told to stop is finished, so
// that the next process does not publish it again.
func TestShutdownFinishesTheRound(t *testing.T) {
	s := newShop(t)
	published, release := make(chan struct{}), make(chan struct{})
	var calls atomic.Int64
	s.broker.answers(func(eventbus.Record) answer {
		if calls.Add(1) == 1 {
			close(published)
			<-release
		}
		return answer{}
	})
	p := s.run(nil)
	s.until("the relay owns all", func() bool { return p.owned(t) == partitions })
	s.emit(p, 0, "in hand")
	<-published
	stopped := make(chan struct{})
	go func() { defer close(stopped); p.stop() }()
	s.until("the idle loops have ended", func() bool { return p.owned(t) == 1 })
	close(release)
	<-stopped
	if s.pending() != 0 || s.broker.total() != 1 {
		t.Errorf("%d pointers left, %d events arrived", s.pending(), s.broker.total())
	}
	if n := s.count("SELECT COUNT(*) FROM relay_lease WHERE until <> 0"); n != 0 {
		t.Errorf("%d leases not given back", n)
	}
}
