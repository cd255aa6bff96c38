package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/money"
	"souk.example/pkg/tracing"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/store"
	"souk.example/services/payment/migrations"
)

// Trace contexts, one sampled and one not.
const (
	sampled   = "00-0000000000000000000000000000000a-0000000000000001-01"
	unsampled = "00-0000000000000000000000000000000b-0000000000000001-00"
)

// told is an outbox that remembers in which trace each order is told of.
type told map[string]string

func (o told) Append(_ context.Context, _ *database.Tx, _ string, events ...eventbus.Event) error {
	for _, e := range events {
		o[e.Subject] = e.TraceParent
	}
	return nil
}

// cards is a journal, asked to charge cards.
type cards struct {
	*store.Journal
	t  *testing.T
	db *database.DB
	of told
}

func newCards(t *testing.T) *cards {
	db, of := databasetest.Open(t, migrations.Set()), told{}
	return &cards{Journal: store.NewJournal(db, of, payment.NewBell()), t: t, db: db, of: of}
}

func (c *cards) record(ctx context.Context, d payment.Decisions) {
	c.t.Helper()
	err := c.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { return c.Unit(tx).Record(ctx, d) })
	if err != nil {
		c.t.Fatal(err)
	}
}

// charge adds the calls of orders, in the trace of parent.
func (c *cards) charge(parent string, orders ...payment.OrderID) {
	c.t.Helper()
	var d payment.Decisions
	for _, id := range orders {
		d.Calls = append(d.Calls, payment.Call{Key: fmt.Sprint(id), Kind: payment.Charge, Order: id, Amount: money.Of(1, "CNY"), Token: "tok_ok"})
		d.Payments = append(d.Payments, payment.Payment{Order: id, User: 1, Status: payment.Pending, Method: "card", Amount: money.Of(1, "CNY"), At: time.Now()})
	}
	c.record(tracing.Extract(c.t.Context(), parent), d)
}

// claimed are the traces of the calls that are to be made.
func (c *cards) claimed() map[payment.OrderID]string {
	c.t.Helper()
	calls, _, err := c.Claim(c.t.Context(), "me", 1000, time.Minute)
	if err != nil {
		c.t.Fatal(err)
	}
	traces := make(map[payment.OrderID]string)
	for _, call := range calls {
		traces[call.Order] = call.TraceParent
	}
	return traces
}

// tellOf has order told of a payment, and returns in which trace.
func (c *cards) tellOf(id payment.OrderID) string {
	c.t.Helper()
	c.record(c.t.Context(), payment.Decisions{Replies: []payment.Payment{{Order: id, Status: payment.Captured, Amount: money.Of(1, "CNY"), Captured: money.Of(1, "CNY")}}})
	return c.of[fmt.Sprint(id)]
}

// The call and the word of its end belong to the trace that asked for it, sampled
// or not; once it is told of, the trace is forgotten.
func TestACallBelongsToTheTraceThatAsked(t *testing.T) {
	c := newCards(t)
	c.charge(sampled, 1)
	c.charge(unsampled, 2)
	if got := c.claimed(); got[1] != sampled || got[2] != unsampled {
		t.Fatalf("calls are of traces %v", got)
	}
	for id, want := range map[payment.OrderID]string{1: sampled, 2: unsampled} {
		if got := c.tellOf(id); got != want {
			t.Errorf("order %d is told of in %q, want %q", id, got, want)
		}
		if got := c.tellOf(id); got != "" {
			t.Errorf("order %d is not forgotten: %q", id, got)
		}
	}
}

// A call of another process, or from before a start, begins no trace.
func TestACallOfAnUnknownTraceIsNotSampled(t *testing.T) {
	c := newCards(t)
	c.charge("", 1)
	got := c.claimed()[1]
	if tracing.TraceID(tracing.Extract(t.Context(), got)) == "" || tracing.Sampled(got) {
		t.Errorf("it is of trace %q", got)
	}
	if got := c.tellOf(1); got != "" {
		t.Errorf("it is told of in %q, want the trace of who tells", got)
	}
}

// Calls that end elsewhere, or never, are forgotten when enough others have come;
// one that is put off again and again stays one.
func TestTracesAreBounded(t *testing.T) {
	j := store.NewJournal(nil, told{}, payment.NewBell())
	const many = 3 * store.TracesMax
	for i := range many {
		j.KeepTrace(fmt.Sprint(i), sampled)
		j.KeepTrace("again", unsampled)
		if n := j.Traces(); n > store.TracesMax {
			t.Fatalf("%d traces are remembered after %d calls", n, i+1)
		}
	}
	if j.TraceOf("0") != "" || j.TraceOf("again") != unsampled {
		t.Error("the first call is remembered, or the last is not")
	}
	for i := many - store.TracesMax/2 + 1; i < many; i++ {
		if j.TraceOf(fmt.Sprint(i)) != sampled {
			t.Fatalf("call %d of %d is forgotten: there is room for it", i, many)
		}
	}
}
