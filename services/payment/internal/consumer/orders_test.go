package consumer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"souk.example/contracts"
	"souk.example/contracts/paymentv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// However often, in whatever order and batches the requests come: each order
// has one decision, wallets are what the ledger says and never below zero, and
// order is never told two things.
func TestDeliveredManyTimesInAnyOrder(t *testing.T) {
	for _, size := range []int{1, 500} {
		t.Run(fmt.Sprintf("batches of %d", size), func(t *testing.T) {
			w := newWorld(t)
			w.fund(t, 1000, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) // 11 and 12 have no wallet
			rng := rand.New(rand.NewPCG(uint64(size), 7))
			if err := w.deliver(t.Context(), traffic(t, rng), size); err != nil {
				t.Fatal(err)
			}
			w.checkBooks(t)
			w.checkReplies(t)
		})
	}
}

// Two members of the group settle at once: each its own orders, from the same
// wallets; or, when both believe to own the same partitions, the same orders.
func TestTwoMembersAtOnce(t *testing.T) {
	events := traffic(t, rand.New(rand.NewPCG(1, 2)))
	var odd, even []eventbus.Event
	for _, e := range events {
		if strings.ContainsAny(e.Subject[len(e.Subject)-1:], "13579") {
			odd = append(odd, e)
		} else {
			even = append(even, e)
		}
	}
	for name, shares := range map[string][2][]eventbus.Event{
		"own orders": {odd, even}, "a zombie and its heir": {events, events},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fund(t, 1000, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
			var members sync.WaitGroup
			var errs [2]error
			for i, share := range shares {
				members.Go(func() { errs[i] = w.deliver(t.Context(), share, 20) })
			}
			members.Wait()
			if err := errors.Join(errs[:]...); err != nil {
				t.Fatal(err)
			}
			w.checkBooks(t)
			w.checkReplies(t)
		})
	}
}

// Two orders want the last money of a wallet at the same moment: one gets it,
// the other is refused, and neither is an error.
func TestLastMoneyIsSpentOnce(t *testing.T) {
	w := newWorld(t)
	for user := int64(1); user <= 40; user++ {
		w.fund(t, 100, user)
		var members sync.WaitGroup
		for i := range int64(2) {
			request := []eventbus.Event{due(t, user*10+i, user, 60)}
			members.Go(func() {
				if err := w.deliver(t.Context(), request, 1); err != nil {
					t.Error(err)
				}
			})
		}
		members.Wait()
	}
	for _, status := range []string{"CAPTURED", "FAILED"} {
		if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = ?", status); n != 40 {
			t.Errorf("%d payments are %s, want 40", n, status)
		}
	}
}

func (w *world) checkBooks(t *testing.T) {
	t.Helper()
	if n := w.number(t, "SELECT COUNT(*) FROM payment"); n != 300 {
		t.Errorf("%d of 300 orders have a decision", n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'VOIDED' AND order_id % 10 <> 0 AND order_id % 11 <> 0"); n != 0 {
		t.Errorf("%d orders were voided that nobody cancelled", n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'CAPTURED' AND amount > 0"); n == 0 || n != w.number(t, "SELECT COUNT(*) FROM ledger_entry WHERE cause LIKE 'capture:%'") {
		t.Errorf("%d captures differ from the ledger's", n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE captured <> 0 AND captured <> amount"); n != 0 {
		t.Errorf("%d payments took a part", n)
	}
	for user := int64(1); user <= 10; user++ {
		account := fmt.Sprintf("wallet:%d", user)
		balance := w.number(t, "SELECT balance FROM wallet WHERE user_id = ?", user)
		fold := w.number(t, "SELECT SUM(CASE WHEN credit_account = ? THEN amount ELSE -amount END) FROM ledger_entry WHERE ? IN (debit_account, credit_account)", account, account)
		spent := w.number(t, "SELECT SUM(captured) FROM payment WHERE user_id = ?", user)
		if balance < 0 || balance != fold || balance != 1000-spent {
			t.Errorf("wallet of %d holds %d: the ledger says %d, the payments %d", user, balance, fold, 1000-spent)
		}
	}
}

// checkReplies: every event about an order is the same one, says what is
// recorded and is no nudge.
func (w *world) checkReplies(t *testing.T) {
	t.Helper()
	said := map[string]string{}
	for _, e := range w.said.events {
		if e.Nudge {
			t.Errorf("the reply %s is a nudge", e.ID)
		}
		text := e.ID + e.Type + string(e.Payload)
		if before, again := said[e.Subject]; again && before != text {
			t.Errorf("order %s was told %q, then %q", e.Subject, before, text)
		}
		said[e.Subject] = text
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status <> 'VOIDED'"); n != int64(len(said)) {
		t.Errorf("%d orders were answered, %d have an answer", len(said), n)
	}
}

// A request that comes again gets no second answer, unless order says that it
// still waits: then it gets the first one again.
func TestNudgeRepeatsTheRecordedReply(t *testing.T) {
	w := newWorld(t)
	w.fund(t, 100, 7)
	steps := [][]eventbus.Event{
		{due(t, 1, 7, 60), due(t, 2, 7, 60)},                 // 1 captured, 2 failed
		{due(t, 1, 7, 60), due(t, 2, 7, 60)},                 // silence
		{nudged(due(t, 1, 7, 60)), nudged(due(t, 2, 7, 60))}, // the same again
		{cancelled(t, 2, 7), cancelled(t, 3, 7)},             // silence, and a tombstone
		{due(t, 3, 7, 1), nudged(due(t, 3, 7, 1))},           // too late
	}
	var heard []int
	for _, events := range steps {
		if err := w.deliver(t.Context(), events, 10); err != nil {
			t.Fatal(err)
		}
		heard = append(heard, len(w.said.events))
	}
	if !slices.Equal(heard, []int{2, 2, 4, 4, 4}) {
		t.Fatalf("events after each step: %v", heard)
	}
	for i := range 2 {
		first, second := w.said.events[i], w.said.events[i+2]
		if first.ID != second.ID || first.Type != second.Type || string(first.Payload) != string(second.Payload) || second.Nudge {
			t.Errorf("answered %+v, then %+v", first, second)
		}
	}
	captured, err := contracts.DecodeAs[paymentv1.PaymentCaptured](w.said.events[0])
	if err != nil || captured.Amount != 60 || captured.Currency != "CNY" || captured.OrderId != 1 || w.said.events[0].ID != "1-40" {
		t.Errorf("captured says %+v, %v", captured, err)
	}
	failed, err := contracts.DecodeAs[paymentv1.PaymentFailed](w.said.events[1])
	if err != nil || failed.Reason != "insufficient_funds" || failed.OrderId != 2 {
		t.Errorf("failed says %+v, %v", failed, err)
	}
	if got := w.number(t, "SELECT balance FROM wallet WHERE user_id = 7"); got != 40 {
		t.Errorf("the wallet holds %d, want 40", got)
	}
}

// What can never be settled is poison and leaves nothing of its batch.
func TestPoison(t *testing.T) {
	for name, poison := range map[string]eventbus.Event{
		"garbage":              {ID: "9-2", Type: contracts.OrderPaymentDue.Name, Subject: "9", Payload: []byte{0xff}},
		"negative":             due(t, 9, 7, -1),
		"too large a refund":   refundWanted(t, 1, 7, 61),
		"garbled refund":       {ID: "9:late-7", Type: contracts.OrderRefundRequested.Name, Subject: "9", Payload: []byte{0xff}},
		"garbled cancellation": {ID: "9-6", Type: contracts.OrderCancelled.Name, Subject: "9", Payload: []byte{0xff}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fund(t, 100, 7)
			err := w.deliver(t.Context(), []eventbus.Event{due(t, 1, 7, 60), poison}, 2)
			if err == nil || database.IsTransient(err) {
				t.Errorf("got %v, want poison", err)
			}
			if n := w.number(t, "SELECT COUNT(*) FROM payment"); n != 0 || len(w.said.events) != 0 {
				t.Errorf("poison left %d payments and %d events", n, len(w.said.events))
			}
		})
	}
}
