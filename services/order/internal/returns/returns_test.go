package returns_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/saga"
	"souk.example/services/order/internal/order"
)

// quick looks often, so that tests wait little.
func quick() saga.Config { return saga.Config{Poll: 5 * time.Millisecond} }

// serve answers everything that is asked, each question so many times, until
// the orders 1 to n are RETURNED.
func (w *world) serve(n int64, times int) {
	w.t.Helper()
	read, done := 0, int64(0)
	w.eventually("orders to be returned", func() bool {
		for _, e := range w.said.from(read) {
			if read++; e.Type == contracts.OrderReturned.Name {
				done++
			}
			r, ok := w.reply(e)
			if !ok {
				continue
			}
			if err := w.hear(slices.Repeat([]eventbus.Event{r}, times)...); err != nil {
				w.t.Fatal(err)
			}
		}
		return done == n
	})
	if n := w.number("SELECT COUNT(*) FROM orders WHERE status <> 'RETURNED'"); n != 0 {
		w.t.Errorf("%d orders are not returned", n)
	}
}

// asked are the events of a return that were said, nudges apart.
func (w *world) asked(mark int) (types []string, nudges int) {
	for _, e := range w.said.from(mark) {
		if e.Nudge {
			nudges++
			continue
		}
		types = append(types, e.ID+" "+strings.TrimSuffix(strings.TrimPrefix(e.Type, "order."), ".v1"))
	}
	return types, nudges
}

// What was paid by points alone is not refunded; everything else asks for each
// part once, one after the other.
func TestAReturnAsksForOnePartAfterTheOther(t *testing.T) {
	for name, c := range map[string]struct {
		payable int64
		want    []string
	}{
		"money":  {5, []string{"1-8 return_requested", "1:return-7 refund_requested", "1-9 restock_requested", "1-10 points_reversal_requested", "1-11 returned"}},
		"points": {0, []string{"1-8 return_requested", "1-9 restock_requested", "1-10 points_reversal_requested", "1-11 returned"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, quick())
			w.completed(1, c.payable)
			mark := len(w.said.from(0))
			receipt, err := w.giveBack(1, "k")
			if err != nil || receipt != (order.ReturnReceipt{Order: 1, Status: order.Returning}) {
				t.Fatalf("%+v, %v", receipt, err)
			}
			w.run(w.desk)
			w.serve(1, 2)
			if got, nudges := w.asked(mark); !slices.Equal(got, c.want) || nudges != 0 {
				t.Errorf("said %v and %d nudges, want %v", got, nudges, c.want)
			}
			if s := w.saga("1"); s.Status != saga.Completed || string(s.Data) != "it does not fit" {
				t.Errorf("the saga is %+v", s)
			}
		})
	}
}

// A key returns once, an order too; refusals leave nothing.
func TestWhoMayReturnWhatAndHowOften(t *testing.T) {
	w := newWorld(t, quick())
	w.completed(2, 5)
	first, err := w.giveBack(1, "k")
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.giveBack(1, "k")
	if want := (order.ReturnReceipt{Order: first.Order, Status: first.Status, Replayed: true}); err != nil || again != want {
		t.Errorf("replayed %+v, %v", again, err)
	}
	mark := len(w.said.from(0))
	request := order.ReturnOrder{Order: 2, Key: order.Key{User: owner, Key: "l"}, Why: "why not"}
	change := func(fn func(*order.ReturnOrder)) order.ReturnOrder { r := request; fn(&r); return r }
	for name, c := range map[string]struct {
		req  order.ReturnOrder
		code string
	}{
		"another body":     {change(func(r *order.ReturnOrder) { r.Key.Key, r.Fingerprint = "k", [32]byte{1} }), "idempotency_key_reused"},
		"returned already": {change(func(r *order.ReturnOrder) { r.Order = 1 }), contracts.CodeOrderNotReturnable},
		"no reason":        {change(func(r *order.ReturnOrder) { r.Why = "" }), contracts.CodeInvalidReturn},
		"somebody else's":  {change(func(r *order.ReturnOrder) { r.Key.User = 2 }), ""},
		"absent":           {change(func(r *order.ReturnOrder) { r.Order = 404 }), ""},
	} {
		_, err := w.desk.Return(t.Context(), c.req)
		refused, ok := errors.AsType[*apperr.Error](err)
		if c.code == "" && !errors.Is(err, order.ErrNotFound) || c.code != "" && (!ok || refused.Code != c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if said := w.said.from(mark); len(said) != 0 || w.number("SELECT COUNT(*) FROM saga") != 1 || w.number("SELECT COUNT(*) FROM idempotency") != 1 || w.status(2) != order.Completed {
		t.Errorf("refusals left %+v", said)
	}
}

// Many returns at once, each asked for twice, carried out by two processes, and
// every reply heard twice at once: each part is asked for once.
func TestManyReturnsAtOnce(t *testing.T) {
	const n = 60
	w := newWorld(t, quick())
	w.completed(n, 5)
	mark := len(w.said.from(0))
	w.run(w.desk)
	w.run(w.newDesk(quick()))
	var owners sync.WaitGroup
	var mu sync.Mutex
	fresh := 0
	for i := range 2 * n {
		owners.Go(func() {
			id := order.ID(i%n + 1)
			receipt, err := w.giveBack(id, fmt.Sprint("key of ", id))
			if err != nil || receipt.Order != id || receipt.Status != order.Returning {
				t.Errorf("order %d: %+v, %v", id, receipt, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !receipt.Replayed {
				fresh++
			}
		})
	}
	w.serve(n, 2)
	owners.Wait()
	types, nudges := w.asked(mark)
	slices.Sort(types)
	if fresh != n || nudges != 0 || len(types) != 5*n || len(slices.Compact(types)) != 5*n {
		t.Errorf("%d returns, %d commands, %d of them different, %d nudges", fresh, len(types), len(slices.Compact(types)), nudges)
	}
	if open := w.number("SELECT COUNT(*) FROM saga WHERE status <> 'COMPLETED'"); open != 0 {
		t.Errorf("%d sagas are open", open)
	}
}

// A reply that is lost is asked for again, with the same event; one that comes
// when the saga has given up waiting is taken all the same.
func TestWhoDoesNotAnswerIsAskedAgain(t *testing.T) {
	cfg := quick()
	cfg.Timeout, cfg.BackoffMax, cfg.Attempts = 5*time.Millisecond, 5*time.Millisecond, 3
	w := newWorld(t, cfg)
	w.completed(1, 5)
	if _, err := w.giveBack(1, "k"); err != nil {
		t.Fatal(err)
	}
	mark := len(w.said.from(0))
	stop := w.run(w.desk)
	w.eventually("the saga to be stuck", func() bool { return w.saga("1").Status == saga.Stuck })
	stop()
	asked := w.said.from(mark)
	if len(asked) != cfg.Attempts || asked[0].Nudge {
		t.Fatalf("asked %+v", asked)
	}
	for _, e := range asked[1:] {
		if !e.Nudge || e.ID != "1:return-7" || string(e.Payload) != string(asked[0].Payload) {
			t.Errorf("asked again by %+v, first by %+v", e, asked[0])
		}
	}
	if got := w.status(1); got != order.Returning {
		t.Errorf("it is %s", got)
	}
	w.run(w.newDesk(quick()))
	w.serve(1, 1)
}

// What an operator has seen to by hand is not waited for.
func TestAnOperatorSkipsAPart(t *testing.T) {
	cfg := quick()
	cfg.Timeout, cfg.BackoffMax, cfg.Attempts = time.Millisecond, time.Millisecond, 1
	w := newWorld(t, cfg)
	w.completed(1, 5)
	if _, err := w.giveBack(1, "k"); err != nil {
		t.Fatal(err)
	}
	w.run(w.desk)
	for range 3 {
		w.eventually("the saga to be stuck", func() bool { return w.saga("1").Status == saga.Stuck })
		if err := saga.NewOperator(w.db).Skip(t.Context(), "1", w.saga("1").Version, "done by hand"); err != nil {
			t.Fatal(err)
		}
	}
	w.eventually("the order to be returned", func() bool { return w.status(1) == order.Returned })
}
