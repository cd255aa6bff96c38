package consumer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/database"
	"souk.example/services/payment/internal/alarm"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider/providertest"
)

// later is a clock that runs ahead.
func later(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }

// What the provider did and we do not know is found in its list, whatever we
// believed.
func TestReconcile(t *testing.T) {
	w := newCards(t, nil)
	out := w.watch(t)
	run(t, w.recorder)
	statuses := []string{"PENDING", "CALLING", "UNKNOWN", "FAILED", "VOIDED"}
	for i, status := range statuses {
		order := int64(i + 1)
		w.give(t, dueByCard(t, order, 40, "tok"))
		w.set(t, order, status)
		w.psp.Amend(fmt.Sprint(order), func(c *providertest.Charge) { c.Amount = 40 })
	}
	w.psp.Amend("77", func(c *providertest.Charge) { c.Amount = 1 }) // nobody ever asked for this
	w.psp.Amend("6", func(c *providertest.Charge) { c.Amount, c.Status = 40, "failed" })
	w.give(t, dueByCard(t, 6, 40, "tok"), dueByCard(t, 7, 40, "tok"))

	if err := w.reconciler("early", time.Now).Reconcile(t.Context()); err != nil || len(w.told()) != 0 {
		t.Fatalf("%v: replies that may be on their way were not waited for: %v", err, w.told())
	}
	w.release(t)
	if err := w.reconciler("a", later(time.Minute)).Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, was := range statuses {
		if now := w.status(t, int64(i+1)); now != "CAPTURED" {
			t.Errorf("%s became %s", was, now)
		}
	}
	if w.status(t, 6) != "FAILED" || w.status(t, 7) != "PENDING" {
		t.Errorf("the failed one is %s, the one never charged %s", w.status(t, 6), w.status(t, 7))
	}
	if n := strings.Count(out.String(), `"level":"ERROR"`); n != 1 || !strings.Contains(out.String(), `"order":77`) {
		t.Errorf("logged %s", out)
	}
	told := w.told()
	w.release(t)
	if err := w.reconciler("a", later(time.Minute)).Reconcile(t.Context()); err != nil || !slices.Equal(w.told(), told) {
		t.Errorf("again: %v, told %v after %v", err, w.told(), told)
	}
}

// watch collects what is logged and counted from now on.
func (w *cards) watch(t *testing.T) *bytes.Buffer {
	t.Helper()
	out := &bytes.Buffer{}
	alarms, err := alarm.New(prometheus.NewRegistry(), slog.New(slog.NewJSONHandler(out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	w.alarms = alarms
	w.recorder = payment.NewRecorder(w.journal, alarms, time.Now, w.words, database.IsTransient)
	return out
}

func (w *cards) set(t *testing.T, order int64, status string) {
	t.Helper()
	if _, err := w.db.Exec(t.Context(), "UPDATE payment SET status = ? WHERE order_id = ?", status, order); err != nil {
		t.Fatal(err)
	}
}

func (w *cards) release(t *testing.T) {
	t.Helper()
	if _, err := w.db.Exec(t.Context(), "UPDATE reconciliation SET until = 0"); err != nil {
		t.Fatal(err)
	}
}

func (w *cards) watermark(t *testing.T) (mark string) {
	t.Helper()
	if err := w.db.QueryRow(t.Context(), "SELECT watermark FROM reconciliation").Scan(&mark); err != nil {
		t.Fatal(err)
	}
	return mark
}

// The list is walked page by page; the mark stays behind what may still have
// neighbours that are not in the list yet.
func TestReconcileWalksTheList(t *testing.T) {
	w := newCards(t, nil)
	run(t, w.recorder)
	for order := range int64(2500) {
		w.psp.Amend(fmt.Sprint(order+1), func(c *providertest.Charge) { c.Amount = 40 })
	}
	w.give(t, dueByCard(t, 2500, 40, "tok"))
	if err := w.reconciler("a", later(time.Minute)).Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.status(t, 2500) != "CAPTURED" || w.watermark(t) != "" {
		t.Errorf("the last is %s, the mark %q", w.status(t, 2500), w.watermark(t))
	}
	if err := w.reconciler("a", later(3*time.Minute)).Reconcile(t.Context()); err != nil || w.watermark(t) != "ch_002500" {
		t.Errorf("%v: the mark is %q", err, w.watermark(t))
	}
}

// One at a time compares: who comes second finds it taken, who is replaced
// moves nothing.
func TestReconcileLease(t *testing.T) {
	w := newCards(t, nil)
	ctx := t.Context()
	if _, mine, err := w.journal.Take(ctx, "a", time.Minute); err != nil || !mine {
		t.Fatalf("the first: %t, %v", mine, err)
	}
	if _, mine, err := w.journal.Take(ctx, "b", time.Minute); err != nil || mine {
		t.Errorf("the second: %t, %v", mine, err)
	}
	if mine, err := w.journal.Keep(ctx, "a", "ch_000007", time.Minute); err != nil || !mine {
		t.Errorf("the first goes on: %t, %v", mine, err)
	}
	w.release(t)
	if after, mine, err := w.journal.Take(ctx, "b", time.Minute); err != nil || !mine || after != "ch_000007" {
		t.Errorf("the heir: %t from %q, %v", mine, after, err)
	}
	if mine, err := w.journal.Keep(ctx, "a", "ch_000009", time.Minute); err != nil || mine || w.watermark(t) != "ch_000007" {
		t.Errorf("the zombie: %t, %v, mark %q", mine, err, w.watermark(t))
	}
}

// A provider that never ends its list, or writes lines that we cannot read,
// stops nothing but itself.
func TestReconcileBearsABadList(t *testing.T) {
	w := newCards(t, nil)
	out := w.watch(t)
	run(t, w.recorder)
	w.psp.Amend("1", func(c *providertest.Charge) { c.Amount, c.Status = 40, "requires_action" })
	w.psp.Amend("2", func(c *providertest.Charge) { c.Amount = 40 })
	w.give(t, dueByCard(t, 1, 40, "tok"), dueByCard(t, 2, 40, "tok"))
	if err := w.reconciler("a", later(3*time.Minute)).Reconcile(t.Context()); err != nil || w.watermark(t) != "ch_000002" {
		t.Errorf("%v, the mark is %q", err, w.watermark(t))
	}
	if w.status(t, 1) != "PENDING" || w.status(t, 2) != "CAPTURED" || !strings.Contains(out.String(), "ch_000001") {
		t.Errorf("the unreadable one is %s, the other %s; logged %s", w.status(t, 1), w.status(t, 2), out)
	}

	w.release(t)
	endless := &endless{}
	r := payment.NewReconciler("b", w.journal, endless, w.recorder, w.alarms, w.log, time.Now, payment.ReconcilerConfig{})
	if err := r.Reconcile(t.Context()); err == nil || endless.left <= 0 || endless.left > 20*time.Second {
		t.Errorf("a list was given %s to answer: %v", endless.left, err)
	}
}

// endless is a list that notes how long it may take.
type endless struct{ left time.Duration }

func (e *endless) Charges(ctx context.Context, _ string, _ int) ([]payment.Line, bool, error) {
	if deadline, ok := ctx.Deadline(); ok {
		e.left = time.Until(deadline)
	}
	return nil, false, errors.New("no answer")
}

// A provider that takes back what it had said of the charge that paid is told
// of loudly; the order stays paid.
func TestSuccessTakenBack(t *testing.T) {
	w := newCards(t, nil)
	out := w.watch(t)
	w.serve(t, 1, quick)
	w.give(t, dueByCard(t, 1, 40, "tok"))
	w.awaitStatus(t, 1, payment.Captured)
	w.psp.Amend("1", func(c *providertest.Charge) { c.Status, c.FailureCode = "failed", "charged_back" })
	if err := w.reconciler("a", later(time.Minute)).Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.status(t, 1) != "CAPTURED" || !strings.Contains(out.String(), "it had succeeded before") {
		t.Errorf("it is %s, logged %s", w.status(t, 1), out)
	}
}
