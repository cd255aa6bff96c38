package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/outbox"
)

func TestRelayKeepsOrderWithinAPartition(t *testing.T) {
	s := newShop(t)
	p := s.run(nil)
	want := names("e", 300)
	for i, id := range want {
		s.emit(p, i, id)
	}
	s.untilDrained()
	for part := range int32(partitions) {
		var mine []string
		for i, id := range want {
			if i%partitions == int(part) {
				mine = append(mine, id)
			}
		}
		if got := s.broker.ids(part); !slices.Equal(got, mine) {
			t.Errorf("partition %d got %v, want %v", part, got, mine)
		}
	}
	if n := s.count("SELECT COUNT(*) FROM event_log"); n != len(want) {
		t.Errorf("event_log keeps %d packs, want %d", n, len(want))
	}
}

// A backlog of several rounds leaves without anyone waking the relay.
func TestRelayDrainsABacklog(t *testing.T) {
	s := newShop(t)
	cli := s.process(func(c *outbox.Config) { c.BatchMax = 1 })
	want := names("e", 200)
	s.emit(cli, 0, want...)
	s.run(nil)
	s.untilDrained()
	if got := s.broker.ids(0); !slices.Equal(got, want) {
		t.Errorf("got %d events, want %d in order", len(got), len(want))
	}
}

func TestRelayFindsWhatAnotherProcessAppends(t *testing.T) {
	s := newShop(t)
	p := s.run(nil)
	s.until("the relay owns all", func() bool { return p.owned(t) == partitions })
	cli := s.process(nil)
	s.emit(cli, 2, "foreign")
	s.untilDrained()
	if !s.broker.has(2, "foreign") {
		t.Error("the pointer went and the event did not arrive")
	}
}

// A lone event does not wait for the poll, which begins slowly.
func TestRelayIsWokenByCommit(t *testing.T) {
	s := newShop(t)
	fastest := time.Hour
	for i := range 5 {
		p := s.run(nil)
		s.until("the relay owns all", func() bool { return p.owned(t) == partitions })
		id := fmt.Sprint("lone", i)
		begin := time.Now()
		s.emit(p, 1, id)
		s.until("the event arrives", func() bool { return s.broker.has(1, id) })
		fastest = min(fastest, time.Since(begin))
		p.stop()
	}
	if fastest > 50*time.Millisecond {
		t.Errorf("a lone event takes %s", fastest)
	}
}

// The broker keeps the record and its answer is lost: the event comes twice
// rather than never.
func TestLostAcknowledgement(t *testing.T) {
	s := newShop(t)
	var lost atomic.Bool
	s.broker.answers(func(eventbus.Record) answer {
		if lost.CompareAndSwap(false, true) {
			return answer{err: errBroker}
		}
		return answer{}
	})
	p := s.run(nil)
	s.emit(p, 0, "again")
	s.untilDrained()
	if got := s.broker.ids(0); !slices.Equal(got, []string{"again", "again"}) {
		t.Errorf("got %v, want the event twice", got)
	}
}

// Of one Publish some records fail: exactly the others' pointers go.
func TestPartialFailure(t *testing.T) {
	s := newShop(t)
	var down atomic.Bool
	down.Store(true)
	s.broker.answers(func(r eventbus.Record) answer {
		if e, _ := r.Events(); down.Load() && (e[0].ID == "e0001" || e[0].ID == "e0003") {
			return answer{lost: true, err: errBroker}
		}
		return answer{}
	})
	cli := s.process(func(c *outbox.Config) { c.BatchMax = 1 })
	s.emit(cli, 0, names("e", 5)...)
	s.run(func(c *outbox.Config) { c.BatchMax = 500 }) // all five in one call
	s.until("the acknowledged are gone", func() bool { return s.pending() == 2 })
	if got := s.broker.ids(0); !slices.Equal(got, []string{"e0000", "e0002", "e0004"}) {
		t.Errorf("got %v", got)
	}
	down.Store(false)
	s.untilDrained()
	if got := s.broker.ids(0); !slices.Equal(got, []string{"e0000", "e0002", "e0004", "e0001", "e0003"}) {
		t.Errorf("got %v, want each event once", got)
	}
}

func TestFailingPartitionStarvesNoOther(t *testing.T) {
	s := newShop(t)
	var down atomic.Bool
	down.Store(true)
	s.broker.answers(func(r eventbus.Record) answer {
		if down.Load() && r.Partition == 0 {
			return answer{lost: true, err: errBroker}
		}
		return answer{}
	})
	p := s.run(nil)
	for i := range 80 {
		s.emit(p, i, fmt.Sprint("e", i))
	}
	s.until("the other partitions are empty", func() bool {
		return s.count("SELECT COUNT(*) FROM outbox WHERE part <> 0") == 0
	})
	if got := s.pending(); got != 20 {
		t.Errorf("%d pointers wait, want the failing partition's 20", got)
	}
	s.until("failures are counted", func() bool { return metric(t, p.telemetry, "souk_outbox_failures_total") > 1 })
	if age := metric(t, p.telemetry, "souk_outbox_pending_age_seconds"); age <= 0 {
		t.Errorf("pending age %v while packs wait", age)
	}
	down.Store(false)
	s.untilDrained()
	s.until("nothing is pending", func() bool { return metric(t, p.telemetry, "souk_outbox_pending_age_seconds") == 0 })
	if got := metric(t, p.telemetry, "souk_outbox_events_published_total"); got != 80 {
		t.Errorf("events published = %v, want 80", got)
	}
}

// A failing partition backs off: it does not hammer the broker.
func TestFailingPartitionBacksOff(t *testing.T) {
	s := newShop(t)
	var rounds atomic.Int64
	var first atomic.Pointer[string] // the pack that every round begins with
	s.broker.answers(func(r eventbus.Record) answer {
		value := string(r.Value)
		first.CompareAndSwap(nil, &value)
		if value == *first.Load() {
			rounds.Add(1)
		}
		return answer{lost: true, err: errBroker}
	})
	p := s.run(nil)
	s.emit(p, 0, "first")
	s.until("the broker refuses", func() bool { return rounds.Load() > 0 })
	for i := range 50 { // each commit wakes the partition
		s.emit(p, 0, fmt.Sprint("e", i))
	}
	begin, before := time.Now(), rounds.Load()
	s.until("two more rounds", func() bool { return rounds.Load() >= before+2 })
	if took := time.Since(begin); took < 20*time.Millisecond {
		t.Errorf("two rounds in %s", took)
	}
}

// A transaction that commits late brings an id below those already published.
func TestLateCommitWithALowerID(t *testing.T) {
	s := newShop(t)
	p := s.run(nil)
	s.ids.last.Store(1000)
	s.emit(p, 0, "early")
	s.untilDrained()
	s.ids.last.Store(10)
	s.emit(p, 0, "late")
	s.untilDrained()
	if got := s.broker.ids(0); !slices.Equal(got, []string{"early", "late"}) {
		t.Errorf("got %v, want the late one too", got)
	}
}

// A transaction that stays open holds up nobody but itself.
func TestOpenTransactionHoldsUpNobody(t *testing.T) {
	s := newShop(t)
	if s.db.Dialect() == database.SQLite {
		t.Skip("one writer: an open transaction holds up every other")
	}
	p := s.run(nil)
	err := p.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := p.Append(ctx, tx, topic, events(0, "slow")...); err != nil {
			return err
		}
		for i := range 10 {
			s.emit(p, 0, fmt.Sprint("quick", i))
		}
		s.untilDrained()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.until("the slow one arrives too", func() bool { return s.broker.has(0, "slow") })
}

// A pointer whose pack is missing is a fault to be seen, not to be passed over.
func TestPointerWithoutPackStays(t *testing.T) {
	s := newShop(t)
	p := s.run(nil)
	s.exec("INSERT INTO outbox (topic, part, id) VALUES (?, ?, ?)", topic, 3, 42)
	s.until("it is counted as a failure", func() bool { return metric(t, p.telemetry, "souk_outbox_failures_total") > 0 })
	if s.pending() != 1 {
		t.Error("the pointer is gone")
	}
}

// Nor does it hold up the partitions that are read together with its own.
func TestPointerWithoutPackHoldsUpNoOther(t *testing.T) {
	s := newShop(t)
	s.exec("INSERT INTO outbox (topic, part, id) VALUES (?, ?, ?)", topic, 3, 0)
	p := s.run(nil)
	want := names("e", 30)
	for _, id := range want {
		s.emitToAll(p, id)
	}
	s.until("only the faulty partition's wait", func() bool { return s.pending() == 1+len(want) })
	for part := range int32(3) {
		if got := s.broker.ids(part); !slices.Equal(got, want) {
			t.Errorf("partition %d got %v", part, got)
		}
	}
}

// What the partitions hold together does not fit one answer.
func TestRelayDrainsTheBacklogsOfAll(t *testing.T) {
	s := newShop(t)
	cli := s.process(func(c *outbox.Config) { c.BatchMax = 1 })
	want := names("e", 100)
	s.emitToAll(cli, want...)
	s.run(nil)
	s.untilDrained()
	for part := range int32(partitions) {
		if got := s.broker.ids(part); !slices.Equal(got, want) {
			t.Errorf("partition %d got %d events, want %d in order", part, len(got), len(want))
		}
	}
}

func TestRunRefusesAnIncompleteConfig(t *testing.T) {
	s := newShop(t)
	p := s.process(func(c *outbox.Config) { c.Partition = nil })
	if err := p.Run(t.Context()); err == nil {
		t.Error("Run() = nil")
	}
}

// A rerun of the caller's transaction appends anew: once in the end.
func TestAppendInARerunTransaction(t *testing.T) {
	s := newShop(t)
	p := s.run(nil)
	runs := 0
	for runs < 2 {
		_ = p.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			runs++
			if err := p.Append(ctx, tx, topic, events(0, "once")...); err != nil || runs == 1 {
				return errBroker
			}
			return nil
		})
	}
	s.untilDrained()
	if got := s.broker.ids(0); !slices.Equal(got, []string{"once"}) {
		t.Errorf("got %v", got)
	}
}
