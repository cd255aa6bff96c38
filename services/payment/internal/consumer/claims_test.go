package consumer_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider/providertest"
)

func (w *cards) claim(t *testing.T, as payment.ClaimID, limit int, lease time.Duration) []payment.Call {
	t.Helper()
	calls, orphans, err := w.journal.Claim(t.Context(), as, limit, lease)
	if err != nil || len(orphans) != 0 {
		t.Fatalf("orphans %v, %v", orphans, err)
	}
	return calls
}

// Replicas that claim at the same time get different calls, each committed as
// Calling, and all of them together.
func TestClaimsAreDisjoint(t *testing.T) {
	w := newCards(t, nil)
	var events []eventbus.Event
	for order := int64(1); order <= 200; order++ {
		events = append(events, dueByCard(t, order, 40, "tok"))
	}
	w.give(t, events...)
	var mu sync.Mutex
	var got []string
	var replicas sync.WaitGroup
	for r := range 4 {
		replicas.Go(func() {
			for n := 0; ; n++ {
				calls, _, err := w.journal.Claim(t.Context(), payment.ClaimID(fmt.Sprintf("r%d/%d", r, n)), 15, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, c := range calls {
					got = append(got, c.Key)
				}
				all := len(got) >= 200
				mu.Unlock()
				if all {
					return
				}
			}
		})
	}
	replicas.Wait()
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != 200 || len(got) != 200 {
		t.Errorf("%d calls were claimed, %d of them different", len(got), n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'CALLING'"); n != 200 {
		t.Errorf("%d of 200 are CALLING", n)
	}
}

// A call whose owner was killed is made again when its lease is over, with the
// same key. The owner, if it lives after all, changes nothing by not knowing,
// and is believed what the provider said.
func TestLeases(t *testing.T) {
	w := newCards(t, nil)
	run(t, w.recorder)
	w.give(t, dueByCard(t, 1, 40, "tok_1"))
	first := w.claim(t, "dead/1", 10, time.Minute)
	if len(first) != 1 || first[0].Attempts != 1 || first[0].Token.Reveal() != "tok_1" || first[0].Amount != money.Of(40, "CNY") || time.Until(first[0].Until) > time.Minute {
		t.Fatalf("claimed %+v", first)
	}
	if again := w.claim(t, "heir/1", 10, time.Minute); len(again) != 0 {
		t.Fatalf("a live lease was taken: %+v", again)
	}
	w.expire(t)
	second := w.claim(t, "heir/2", 10, time.Minute)
	if len(second) != 1 || second[0].Key != "1" || second[0].Attempts != 2 {
		t.Fatalf("the heir has %+v", second)
	}
	zombie := payment.Word{Kind: payment.Charge, Order: 1, Said: payment.Unsure, Claim: first[0].Claim, Attempts: 1}
	if err := w.recorder.Record(t.Context(), zombie); err != nil {
		t.Fatal(err)
	}
	if again := w.claim(t, "third/1", 10, time.Minute); len(again) != 0 || w.status(t, 1) != "CALLING" {
		t.Errorf("the zombie gave the heir's call away: %+v, %s", again, w.status(t, 1))
	}
	zombie.Said, zombie.Ref, zombie.Amount = payment.Succeeded, "ch_1", money.Of(40, "CNY")
	if err := w.recorder.Record(t.Context(), zombie); err != nil || w.status(t, 1) != "CAPTURED" {
		t.Errorf("%v, %s", err, w.status(t, 1))
	}
	heir := zombie
	heir.Claim = second[0].Claim
	for _, said := range []payment.Event{payment.Succeeded, payment.Unsure, payment.Declined} {
		heir.Said = said
		if err := w.recorder.Record(t.Context(), heir); err != nil || w.status(t, 1) != "CAPTURED" || len(w.told()) != 1 {
			t.Errorf("%v, %s, told %v", err, w.status(t, 1), w.told())
		}
	}
	if n := w.number(t, "SELECT COUNT(*) FROM provider_call"); n != 0 {
		t.Errorf("%d calls are left", n)
	}
}

// expire ends every lease.
func (w *cards) expire(t *testing.T) {
	t.Helper()
	if _, err := w.db.Exec(t.Context(), "UPDATE provider_call SET due_at = 1"); err != nil {
		t.Fatal(err)
	}
}

// Where there is room for one call at a time, what waits the longest and what is
// newest take turns.
func TestOldAndNewCallsTakeTurns(t *testing.T) {
	w := newCards(t, nil)
	for order := int64(1); order <= 5; order++ {
		w.give(t, dueByCard(t, order, 40, "tok"))
	}
	if _, err := w.db.Exec(t.Context(), "UPDATE provider_call SET due_at = order_id"); err != nil {
		t.Fatal(err)
	}
	var claimed []payment.OrderID
	for n := range 5 {
		claimed = append(claimed, w.claim(t, payment.ClaimID(fmt.Sprint("r/", n)), 1, time.Minute)[0].Order)
	}
	if want := []payment.OrderID{1, 5, 2, 4, 3}; !slices.Equal(claimed, want) {
		t.Errorf("claimed in the order %v, want %v", claimed, want)
	}
}

// What gave no answer waits longer each time, by the database's clock,
// which SQLite reads to the millisecond.
func TestPutOff(t *testing.T) {
	w := newCards(t, nil)
	run(t, w.recorder)
	w.give(t, dueByCard(t, 1, 40, "tok"))
	for attempt, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 16 * time.Minute} {
		w.expire(t)
		before := time.Now()
		call := w.claim(t, payment.ClaimID(fmt.Sprint("r/", attempt)), 1, time.Minute)[0]
		word := payment.Word{Kind: payment.Charge, Order: 1, Said: payment.Unsure, Claim: call.Claim, Attempts: call.Attempts}
		if want > time.Minute { // only what is refused waits longer than half of one
			want, word.Refused, word.Attempts = 1024*time.Second, true, 12
		}
		err := w.recorder.Record(t.Context(), word)
		if err != nil {
			t.Fatal(err)
		}
		pause := time.UnixMicro(w.number(t, "SELECT due_at FROM provider_call WHERE owner = ''")).Sub(before)
		if pause < want-2*time.Millisecond || pause > want+5*time.Second || w.status(t, 1) != "UNKNOWN" {
			t.Errorf("attempt %d: put off by %s, want %s; %s", attempt+1, pause, want, w.status(t, 1))
		}
	}
}

func TestBackoff(t *testing.T) {
	for attempts, want := range map[int]time.Duration{0: 500 * time.Millisecond, 1: 500 * time.Millisecond, 4: 4 * time.Second, 7: 30 * time.Second, 1000: 30 * time.Second} {
		if got := payment.Backoff(attempts); got != want {
			t.Errorf("after %d: %s, want %s", attempts, got, want)
		}
	}
}

// A worker that is told to stop finishes its calls and gives back the rest as
// if it had never had them: who cancels now is never charged.
func TestStopLeavesNothingClaimed(t *testing.T) {
	w := newCards(t, nil)
	var events []eventbus.Event
	for order := int64(1); order <= 100; order++ {
		events = append(events, dueByCard(t, order, 40, "tok"))
	}
	w.give(t, events...)
	t.Run("a while", func(t *testing.T) {
		w.serve(t, 1, payment.CallerConfig{Concurrency: 2})
		await(t, "some are captured", func() bool { return w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'CAPTURED'") > 3 })
	})
	captured := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'CAPTURED'")
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'PENDING'"); n != 100-captured || captured == 100 {
		t.Errorf("%d are captured, %d PENDING", captured, n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM provider_call WHERE attempts <> 0 OR owner <> ''"); n != 0 {
		t.Errorf("%d calls that were never made are counted as made", n)
	}
	if n := int64(len(w.psp.Charges())); n != captured {
		t.Errorf("%d charges, %d captured", n, captured)
	}
	for order := int64(1); order <= 100; order++ {
		w.give(t, cancelled(t, order, 7))
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'VOIDED'"); n != 100-captured {
		t.Errorf("%d of %d are void", n, 100-captured)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM provider_call"); n != 0 {
		t.Errorf("%d calls are left", n)
	}
}

// An order that is cancelled while its call waits behind a provider that is
// away is void as soon as it is known that nobody was asked.
func TestCancelledBeforeItWasSent(t *testing.T) {
	w := newCards(t, nil)
	run(t, w.recorder)
	w.give(t, dueByCard(t, 1, 40, "tok"), dueByCard(t, 2, 40, "tok"))
	first := w.claim(t, "a/1", 10, time.Minute)
	w.give(t, cancelled(t, 1, 7))
	for _, call := range first {
		if err := w.recorder.Record(t.Context(), payment.Word{Kind: payment.Charge, Order: call.Order, Said: payment.NotSent, Claim: call.Claim, Attempts: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if w.status(t, 1) != "VOIDED" || w.status(t, 2) != "PENDING" {
		t.Errorf("the cancelled one is %s, the other %s", w.status(t, 1), w.status(t, 2))
	}
	w.expire(t)
	second := w.claim(t, "a/2", 10, time.Minute)
	if len(second) != 1 || second[0].Order != 2 || second[0].Attempts != 1 {
		t.Errorf("then %+v is to be made", second)
	}
	// Whoever was replaced cannot take back what another may have sent.
	zombie := payment.Word{Kind: payment.Charge, Order: 2, Said: payment.NotSent, Claim: first[0].Claim, Attempts: 1}
	if err := w.recorder.Record(t.Context(), zombie); err != nil || w.status(t, 2) != "CALLING" {
		t.Errorf("%v, %s", err, w.status(t, 2))
	}
}

// A call about what another hand has closed is dropped, with an alarm, and
// holds up no other.
func TestOrphans(t *testing.T) {
	w := newCards(t, nil)
	out := w.watch(t)
	w.give(t, dueByCard(t, 1, 40, "tok"), dueByCard(t, 2, 40, "tok"), dueByCard(t, 3, 40, "tok"))
	w.set(t, 2, "FAILED")
	w.serve(t, 1, quick)
	w.awaitStatus(t, 1, payment.Captured)
	w.awaitStatus(t, 3, payment.Captured)
	await(t, "no call is left", func() bool { return w.number(t, "SELECT COUNT(*) FROM provider_call") == 0 })
	if w.status(t, 2) != "FAILED" || w.psp.Requests("2") != 0 {
		t.Errorf("it is %s after %d requests", w.status(t, 2), w.psp.Requests("2"))
	}
	if n := strings.Count(out.String(), `"level":"ERROR"`); n != 1 || !strings.Contains(out.String(), `"order":2`) {
		t.Errorf("logged %s", out)
	}
}

// What the provider will not do raises an alarm each time it is tried, which is
// ever less often.
func TestRefusedRefund(t *testing.T) {
	w := newCards(t, func(key, _ string, nth int) providertest.Manner {
		if key == "1:late" && nth <= 2 {
			return providertest.Refusing
		}
		return providertest.Properly
	})
	out := w.watch(t)
	w.serve(t, 1, quick)
	w.give(t, dueByCard(t, 1, 40, "tok"))
	w.awaitStatus(t, 1, payment.Captured)
	w.give(t, refundWanted(t, 1, 7, 40))
	await(t, "it is given back after all", func() bool { return w.number(t, "SELECT COUNT(*) FROM refund WHERE status = 'REFUNDED'") == 1 })
	if n := strings.Count(out.String(), "refuses a call"); n != 2 {
		t.Errorf("%d alarms for two refusals: %s", n, out)
	}
	w.checkPSP(t)
}
