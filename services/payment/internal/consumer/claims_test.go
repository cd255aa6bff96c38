package consumer_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

func (w *cards) claim(t *testing.T, as payment.ClaimID, limit int, lease time.Duration) []payment.Call {
	t.Helper()
	calls, err := w.journal.Claim(t.Context(), as, limit, lease)
	if err != nil {
		t.Fatal(err)
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
				calls, err := w.journal.Claim(t.Context(), payment.ClaimID(fmt.Sprintf("r%d/%d", r, n)), 15, time.Minute)
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

// What gave no answer waits longer each time, by the database's clock,
// which SQLite reads to the millisecond.
func TestPutOff(t *testing.T) {
	w := newCards(t, nil)
	run(t, w.recorder)
	w.give(t, dueByCard(t, 1, 40, "tok"))
	for attempt, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
		w.expire(t)
		before := time.Now()
		call := w.claim(t, payment.ClaimID(fmt.Sprint("r/", attempt)), 1, time.Minute)[0]
		err := w.recorder.Record(t.Context(), payment.Word{Kind: payment.Charge, Order: 1, Said: payment.Unsure, Claim: call.Claim, Attempts: call.Attempts})
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

// A worker that is told to stop finishes its calls and gives back the rest.
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
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'CALLING'"); n > 0 || captured == 100 {
		t.Errorf("%d are captured, %d CALLING", captured, n)
	}
	if n := int64(len(w.psp.Charges())); n < captured {
		t.Errorf("%d charges, %d captured", n, captured)
	}
}
