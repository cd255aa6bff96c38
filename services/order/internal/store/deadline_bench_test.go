package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/outbox"
	"souk.example/pkg/telemetry"
	"souk.example/pkg/waitlist"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
	"souk.example/services/order/migrations"
)

// What the lateness is measured with: live orders whose deadlines pass one
// after the other, and closed ones that the walk must get past first.
const (
	benchLive   = 100_000
	benchClosed = 300_000
	benchSpan   = 20 * time.Second // from the first deadline to the last
)

// BenchmarkDeadlines prints how late orders are cancelled, by the database's
// clock, at 100,000 live orders. Run it with -benchtime=1x; on a MySQL-protocol
// server with SOUK_TEST_MYSQL_DSN.
func BenchmarkDeadlines(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := openBench(b)
		first := s.fill(b)
		b.StartTimer()
		s.watch(b, waitlist.Config{Owner: "bench"})
		eventuallyWithin(b, time.Until(first)+benchSpan+time.Minute, func() bool {
			return s.number(b, "SELECT COUNT(*) FROM straggler WHERE why = 'deadline'") == 0 && s.number(b, "SELECT COUNT(*) FROM orders WHERE status = 'CANCELLED'") == benchLive
		})
		s.report(b)
	}
}

func openBench(b *testing.B) shop {
	db := databasetest.Open(b, migrations.Set(), outbox.Migrations())
	box := outbox.New(db, idgen.Static(1), bustest.Memory(contracts.Partitions), outbox.Config{
		Source: "souk/order", Topics: contracts.Topics(), Partitions: contracts.Partitions, Partition: contracts.Partition,
	}, telemetry.Nop())
	return shop{Store: store.New(db, box), db: db}
}

// fill stores the closed orders, then the live ones, in the order of their
// ids, and returns the first deadline.
func (s shop) fill(b *testing.B) (first time.Time) {
	made := s.now(b).Add(-time.Hour)
	first = s.now(b).Add(40 * time.Second)
	n := int64(0)
	for _, part := range []struct {
		status order.Status
		count  int
	}{{order.Completed, benchClosed}, {order.Pending, benchLive}} {
		for done := 0; done < part.count; done += 1000 {
			states := make([]*order.State, 1000)
			for i := range states {
				n++
				states[i] = placedAt(made.Add(time.Duration(n)*time.Millisecond), n, first.Add(benchSpan*time.Duration(done+i)/time.Duration(part.count)))
				states[i].Status, states[i].Key = part.status, order.Key{User: 1, Key: fmt.Sprint(n)}
			}
			s.store(b, states)
		}
	}
	return first
}

// store inserts without events: they are no part of what is measured.
func (s shop) store(b *testing.B, states []*order.State) {
	err := s.db.InTx(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		return store.New(s.db, &emitted{}).Unit(tx).Insert(ctx, asPlaced(states))
	})
	if err != nil {
		b.Fatal(err)
	}
	if states[0].Status != order.Pending {
		ids := make([]int64, len(states))
		for i, st := range states {
			ids[i] = int64(st.ID)
		}
		in, args := database.In(ids)
		if _, err := s.db.Exec(b.Context(), "UPDATE orders SET status = 'COMPLETED' WHERE id IN "+in, args...); err != nil {
			b.Fatal(err)
		}
	}
}

func asPlaced(states []*order.State) []*order.State {
	placed := slices.Clone(states)
	for i := range placed {
		placed[i].Status = order.Pending
	}
	return placed
}

func eventuallyWithin(b *testing.B, limit time.Duration, holds func() bool) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !holds(); <-tick.C {
		if time.Now().After(end) {
			b.Fatal("not every order was cancelled in time")
		}
	}
}

// report prints the lateness: how long after its deadline each was closed.
func (s shop) report(b *testing.B) {
	rows, err := s.db.Query(b.Context(), "SELECT closed_at - deadline FROM orders WHERE status = 'CANCELLED' ORDER BY 1")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var late []time.Duration
	for rows.Next() {
		var us int64
		if err := rows.Scan(&us); err != nil {
			b.Fatal(err)
		}
		late = append(late, time.Duration(us)*time.Microsecond)
	}
	for name, at := range map[string]int{"p50": len(late) / 2, "p99": len(late) * 99 / 100, "max": len(late) - 1} {
		b.ReportMetric(float64(late[at].Milliseconds()), name+"-ms-late")
	}
}
