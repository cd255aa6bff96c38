package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
)

// impatient makes the waits of retries cost little.
func (b *bench) impatient(retries ...time.Duration) {
	b.cfg.Retries, b.cfg.RetryPoll = retries, time.Millisecond
}

// fussy refuses events with a payload until it is told to take them, and notes
// the order in which events are applied.
type fussy struct {
	takes   atomic.Bool
	refused atomic.Int64

	mu      sync.Mutex
	applied []string
}

func (f *fussy) handle(ctx context.Context, tx *database.Tx, e eventbus.Event) error {
	if len(e.Payload) > 0 && !f.takes.Load() {
		f.refused.Add(1)
		return errPoison
	}
	tx.OnCommit(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.applied = append(f.applied, e.ID)
	})
	return count(ctx, tx, e)
}

func (f *fussy) order() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.applied...)
}

func (b *bench) letters(status inbox.Status) []inbox.Letter {
	b.t.Helper()
	letters, err := inbox.NewLetters(b.db).List(b.t.Context(), inbox.Filter{Group: b.cfg.Group, Status: status})
	if err != nil {
		b.t.Fatal(err)
	}
	return letters
}

func (b *bench) awaitLetters(status inbox.Status, n int) []inbox.Letter {
	b.t.Helper()
	b.eventually(func() error { return equal("letters "+string(status), len(b.letters(status)), n) })
	return b.letters(status)
}

func TestParkedKeyIsAppliedInOrderWhenItCan(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(time.Millisecond, time.Millisecond, time.Hour)
		var f fussy
		b.publish(b.pack(0, poison("1", "bad", "x"), event("2", "bad"), event("3", "good")))
		b.publish(b.pack(0, event("4", "bad"), poison("5", "bad", "x"), event("6", "bad")))
		b.run(inbox.Each(f.handle))
		b.awaitEnd()
		b.eventually(func() error { return equal("was refused again", f.refused.Load() >= 3, true) })
		f.takes.Store(true)
		b.awaitLetters(inbox.Dead, 0)
		letters := inbox.NewLetters(b.db)
		if waiting := b.letters(inbox.Waiting); len(waiting) > 0 { // it may have used up its short waits
			if err := letters.Redrive(t.Context(), waiting[0].ID); err != nil && !errors.Is(err, inbox.ErrResolved) {
				t.Fatal(err)
			}
		}
		b.awaitLetters(inbox.Applied, 5)
		b.eventually(func() error { return equal("applied", len(f.order()), 6) })
		b.wantEqual("order", f.order(), []string{"3", "1", "2", "4", "5", "6"})
		b.wantEqual("parked keys", b.parkedKeys(), []string{})
		b.wantEqual("effects", b.number("SELECT n FROM total WHERE k = 'bad'"), 5)

		b.publish(b.pack(0, event("7", "bad")))
		b.awaitEnd()
		b.wantEqual("after release", f.order(), []string{"3", "1", "2", "4", "5", "6", "7"})
	})
}

// Each attempt waits for its time, counted from the one before.
func TestRetriesAreSpacedThenDead(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(20*time.Millisecond, 40*time.Millisecond, 80*time.Millisecond)
		var mu sync.Mutex
		var attempts []time.Time
		b.publish(b.pack(0, poison("1", "bad", "x"), event("2", "bad")))
		b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
			mu.Lock()
			defer mu.Unlock()
			attempts = append(attempts, time.Now())
			return errPoison
		})
		dead := b.awaitLetters(inbox.Dead, 1)
		b.wantEqual("dead", fmt.Sprintf("%s %d %s %t", dead[0].EventID, dead[0].Attempts, dead[0].Class, dead[0].Due.IsZero()), "1 4 poison true")
		b.wantEqual("waiting", b.waiting("bad"), []string{"2"})
		mu.Lock()
		defer mu.Unlock()
		last := attempts[len(attempts)-3:]
		for n, least := range b.cfg.Retries[1:] {
			// The database's clock counts whole microseconds and starts earlier.
			if gap := last[n+1].Sub(last[n]); gap < least-time.Millisecond {
				t.Errorf("retry %d came after %v, want at least %v", n+2, gap, least)
			}
		}
	})
}

func TestDeadAreCopiedOnce(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(time.Millisecond)
		record := b.pack(0, poison("1", "bad", "x"), event("2", "bad"))
		b.publish(record, eventbus.Record{Topic: b.topic, Partition: 1, Value: []byte("noise")})
		b.run(inbox.Each(poisoned))
		b.awaitLetters(inbox.Dead, 2)
		b.eventually(func() error { return equal("copied", b.number("SELECT SUM(copied) FROM dead_letter"), 2) })
		ends, err := b.bus.LogEnd(t.Context(), inbox.DeadLetterTopic(b.cfg.Group))
		if err != nil || ends[0] != 2 {
			t.Errorf("%d copies, %v, want 2", ends[0], err)
		}
		b.eventually(func() error {
			return equal("gauge", b.metric("souk_inbox_dead_letters", map[string]string{"status": "DEAD"}), 2)
		})
		b.wantEqual("waiting gauge", b.metric("souk_inbox_dead_letters", map[string]string{"status": "WAITING"}), 1)
		b.wantEqual("dead ones", b.metric("souk_inbox_retries_total", map[string]string{"status": "DEAD"}), 1)
	})
}

// refusesNoise is a bus whose broker finds some records too large.
type refusesNoise struct {
	inbox.Bus
	asked *atomic.Int64
}

func (r refusesNoise) Publish(ctx context.Context, records []eventbus.Record) []error {
	r.asked.Add(1)
	errs := make([]error, len(records))
	for n, record := range records {
		if string(record.Value) == "noise" {
			errs[n] = errors.New("too large")
		} else if failed := r.Bus.Publish(ctx, []eventbus.Record{record}); failed != nil {
			errs[n] = failed[0]
		}
	}
	return errs
}

// A copy that the broker does not take keeps no other from being made, once.
func TestACopyThatIsRefused(t *testing.T) {
	b := newBench(t, onMemory)
	b.impatient(time.Millisecond)
	b.publish(eventbus.Record{Topic: b.topic, Partition: 1, Value: []byte("noise")}, b.pack(0, poison("1", "bad", "x")))
	var asked atomic.Int64
	b.runOn(refusesNoise{b.bus, &asked}, inbox.Each(poisoned))
	b.awaitLetters(inbox.Dead, 2)
	b.eventually(func() error { return equal("copied", b.number("SELECT SUM(copied) FROM dead_letter"), 1) })
	before := asked.Load()
	b.eventually(func() error { return equal("tried on", asked.Load() >= before+3, true) })
	ends, err := b.bus.LogEnd(t.Context(), inbox.DeadLetterTopic(b.cfg.Group))
	if err != nil || ends[0] != 1 {
		t.Errorf("%d copies, %v, want 1", ends[0], err)
	}
}

func TestOperatorRedrives(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(time.Millisecond)
		var f fussy
		b.publish(b.pack(0, poison("1", "bad", "x"), event("2", "bad")))
		b.run(inbox.Each(f.handle))
		dead := b.awaitLetters(inbox.Dead, 1)[0]
		f.takes.Store(true)
		behind := b.letters(inbox.Waiting)[0]
		if err := inbox.NewLetters(b.db).Redrive(t.Context(), behind.ID); !errors.Is(err, inbox.ErrBehind) {
			t.Errorf("the second before the first: %v, want ErrBehind", err)
		}
		if err := inbox.NewLetters(b.db).Redrive(t.Context(), dead.ID); err != nil {
			t.Fatal(err)
		}
		b.awaitLetters(inbox.Applied, 2)
		b.eventually(func() error { return equal("order", fmt.Sprint(f.order()), "[1 2]") })
		b.wantEqual("parked keys", b.parkedKeys(), []string{})
		if err := inbox.NewLetters(b.db).Redrive(t.Context(), dead.ID); !errors.Is(err, inbox.ErrResolved) {
			t.Errorf("again: %v, want ErrResolved", err)
		}
	})
}

// What comes for the key of a dead event may stand before it, because its
// partition or topic does: it is tried at once, and the dead one can be redriven.
func TestWhatComesBeforeTheDead(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(time.Millisecond)
		var f fussy
		b.run(inbox.Each(f.handle))
		b.publish(b.pack(1, poison("1", "bad", "x"), event("2", "bad")))
		dead := b.awaitLetters(inbox.Dead, 1)[0]
		b.publish(b.pack(0, event("3", "bad")))
		b.awaitLetters(inbox.Applied, 1)
		b.eventually(func() error { return equal("order", fmt.Sprint(f.order()), "[3]") })
		f.takes.Store(true)
		if err := inbox.NewLetters(b.db).Redrive(t.Context(), dead.ID); err != nil {
			t.Fatal(err)
		}
		b.awaitLetters(inbox.Applied, 3)
		b.eventually(func() error { return equal("order", fmt.Sprint(f.order()), "[3 1 2]") })
		b.wantEqual("parked keys", b.parkedKeys(), []string{})
	})
}

func TestOperatorEdits(t *testing.T) {
	b := newBench(t, onMemory)
	b.impatient(time.Hour)
	letters := inbox.NewLetters(b.db)
	b.publish(b.pack(0, poison("1", "bad", "x"), event("2", "bad")), eventbus.Record{Topic: b.topic, Partition: 1, Value: []byte("noise")})
	b.run(inbox.Each(poisoned))
	b.awaitEnd()
	waiting, noise := b.letters(inbox.Waiting)[0], b.letters(inbox.Dead)[0]
	if err := letters.Edit(t.Context(), waiting.ID, nil); !errors.Is(err, inbox.ErrNotDead) {
		t.Errorf("Edit() of what is waiting = %v", err)
	}
	if err := letters.Edit(t.Context(), noise.ID, nil); !errors.Is(err, inbox.ErrNotAnEvent) {
		t.Errorf("Edit() of noise = %v", err)
	}
	if err := letters.Edit(t.Context(), 12345, nil); !errors.Is(err, inbox.ErrNoLetter) {
		t.Errorf("Edit() of nothing = %v", err)
	}
	if _, err := b.db.Exec(t.Context(), "UPDATE dead_letter SET status = 'DEAD' WHERE id = ?", waiting.ID); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(letters.Edit(t.Context(), waiting.ID, nil), letters.Redrive(t.Context(), waiting.ID)); err != nil {
		t.Fatal(err)
	}
	b.awaitLetters(inbox.Applied, 2)
	b.wantEqual("effects", b.strings("SELECT event_id FROM effect ORDER BY event_id"), []string{"1", "2"})
}

func TestOperatorDiscards(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(time.Millisecond)
		letters := inbox.NewLetters(b.db)
		b.publish(b.pack(0, poison("1", "bad", "x"), event("2", "bad")))
		b.run(inbox.Each(poisoned))
		dead := b.awaitLetters(inbox.Dead, 1)[0]
		for _, none := range []string{"", " \t"} {
			if err := letters.Discard(t.Context(), dead.ID, none); !errors.Is(err, inbox.ErrNoCommand) {
				t.Errorf("Discard(%q) = %v, want ErrNoCommand", none, err)
			}
		}
		b.wantEqual("still dead", len(b.letters(inbox.Dead)), 1)
		if err := letters.Discard(t.Context(), dead.ID, "cancel the order"); err != nil {
			t.Fatal(err)
		}
		b.awaitLetters(inbox.Applied, 1)
		b.wantEqual("effects", b.strings("SELECT event_id FROM effect"), []string{"2"})
		b.wantEqual("parked keys", b.parkedKeys(), []string{})
		got, err := letters.Get(t.Context(), dead.ID)
		if err != nil || got.Status != inbox.Discarded || got.ResolvedBy != "cancel the order" {
			t.Errorf("%s by %q, %v", got.Status, got.ResolvedBy, err)
		}
	})
}

// A record that a later version can read is taken apart, and its events take
// their turns.
func TestUndecodableIsTakenApartOnceItCanBe(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(time.Hour)
		letters := inbox.NewLetters(b.db)
		b.publish(eventbus.Record{Topic: b.topic, Value: []byte("noise")}, b.pack(0, event("3", "k")))
		b.run(inbox.Each(count))
		noise := b.awaitLetters(inbox.Dead, 1)[0]
		if err := letters.Redrive(t.Context(), noise.ID); err != nil {
			t.Fatal(err)
		}
		b.awaitLetters(inbox.Dead, 1)
		b.eventually(func() error { return equal("attempts", b.letters(inbox.Dead)[0].Attempts, 1) })

		other := event("4", "other")
		other.Type = "somebody.else.v1"
		readable := b.pack(0, event("1", "k"), event("2", "k"), other).Value
		if _, err := b.db.Exec(t.Context(), "UPDATE dead_letter SET payload = ? WHERE id = ?", readable, noise.ID); err != nil {
			t.Fatal(err)
		}
		if err := letters.Redrive(t.Context(), noise.ID); err != nil {
			t.Fatal(err)
		}
		b.awaitLetters(inbox.Applied, 3)
		b.wantEqual("effects", b.strings("SELECT event_id FROM effect ORDER BY event_id"), []string{"1", "2", "3"})
		b.wantEqual("parked keys", b.parkedKeys(), []string{})
	})
}

// Two processes of one group retry the same keys while new events of them come:
// each event is applied once, in order.
func TestTwoProcessesRelease(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(time.Millisecond, time.Millisecond, time.Millisecond, time.Hour)
		const keys, each = 10, 20
		var takes atomic.Bool
		handle := inbox.Each(func(ctx context.Context, tx *database.Tx, e eventbus.Event) error {
			if !takes.Load() {
				return errPoison
			}
			return number(ctx, tx, e)
		})
		b.run(handle)
		b.run(handle)
		var inOrder []string
		for k := range keys {
			for n := range each {
				inOrder = append(inOrder, fmt.Sprintf("%d-%02d", k, n))
			}
		}
		for n := range each {
			var events []eventbus.Event
			for k := range keys {
				events = append(events, event(inOrder[k*each+n], fmt.Sprint(k)))
			}
			b.publish(b.pack(int32(0), events...))
			if n == each/2 {
				takes.Store(true)
			}
		}
		b.awaitEnd()
		for _, l := range b.letters("") {
			if l.Status == inbox.Dead || l.Attempts > 3 {
				_ = inbox.NewLetters(b.db).Redrive(t.Context(), l.ID) // or another was faster
			}
		}
		b.eventually(func() error { return equal("applied", b.number("SELECT COUNT(*) FROM effect"), keys*each) })
		b.wantEqual("applied by key", b.strings("SELECT event_id FROM effect ORDER BY k, nth"), inOrder)
		b.wantEqual("parked keys", b.parkedKeys(), []string{})
		b.wantEqual("totals", b.number("SELECT MIN(n) FROM total"), each)
	})
}

// A retry that meets a database in trouble is nobody's fault.
func TestTroubleIsNoAttempt(t *testing.T) {
	b := newBench(t, onMemory)
	b.impatient(time.Millisecond, time.Hour)
	var calls atomic.Int64
	b.publish(b.pack(0, poison("1", "bad", "x")))
	b.run(func(context.Context, *database.Tx, []eventbus.Event) error {
		if calls.Add(1) <= 3 { // the batch, and what was to blame
			return errPoison
		}
		return database.ErrLater
	})
	b.eventually(func() error { return equal("tried on", calls.Load() > 10, true) })
	b.wantEqual("attempts", b.letters(inbox.Waiting)[0].Attempts, 1)
}

// What is discarded stays so when it comes again, and holds up nothing.
func TestADiscardedEventComesAgain(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(time.Millisecond)
		b.publish(b.pack(0, poison("1", "bad", "x")))
		b.run(inbox.Each(poisoned))
		dead := b.awaitLetters(inbox.Dead, 1)[0]
		if err := inbox.NewLetters(b.db).Discard(t.Context(), dead.ID, "cancel the order"); err != nil {
			t.Fatal(err)
		}
		b.publish(b.pack(0, poison("1", "bad", "x")))
		b.publish(b.pack(0, event("2", "bad")))
		b.awaitEnd()
		b.eventually(func() error { return equal("effects", b.number("SELECT COUNT(*) FROM effect"), 1) })
		b.wantEqual("parked keys", b.parkedKeys(), []string{})
	})
}

// An operator waits for the key while its event is being tried in vain.
func TestDiscardDuringARetry(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(time.Millisecond, time.Millisecond, time.Hour)
		letters := inbox.NewLetters(b.db)
		var once sync.Once
		discarded := make(chan error, 1)
		b.publish(b.pack(0, poison("1", "bad", "x")))
		b.run(inbox.Each(func(ctx context.Context, tx *database.Tx, e eventbus.Event) error {
			waiting := b.letters(inbox.Waiting)
			if len(e.Payload) > 0 && len(waiting) == 1 {
				once.Do(func() {
					go func() { discarded <- letters.Discard(context.WithoutCancel(ctx), waiting[0].ID, "cancel the order") }()
					for range 100 { // let him come to wait for the lock, where there is one
						runtime.Gosched()
					}
				})
			}
			return poisoned(ctx, tx, e)
		}))
		if err := <-discarded; err != nil {
			t.Fatal(err)
		}
		b.eventually(func() error { return equal("parked keys", len(b.parkedKeys()), 0) })
		b.publish(b.pack(0, event("2", "bad")))
		b.awaitEnd()
		b.eventually(func() error { return equal("effects", b.number("SELECT COUNT(*) FROM effect"), 1) })
	})
}

// Records that cannot be decoded do not wait for each other.
func TestUndecodableRecordsAreRedrivenOneByOne(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.impatient(time.Millisecond)
		letters := inbox.NewLetters(b.db)
		noise := func(text string) eventbus.Record {
			return eventbus.Record{Topic: b.topic, Partition: 1, Value: []byte(text)}
		}
		b.publish(noise("never"), noise("later"), noise("later"))
		b.run(inbox.Each(count))
		dead := b.awaitLetters(inbox.Dead, 3)
		readable := b.pack(1, event("1", "k")).Value
		if _, err := b.db.Exec(t.Context(), "UPDATE dead_letter SET payload = ? WHERE log_offset > 0", readable); err != nil {
			t.Fatal(err)
		}
		for _, l := range dead {
			if err := letters.Redrive(t.Context(), l.ID); err != nil {
				t.Fatal(err)
			}
		}
		b.awaitLetters(inbox.Applied, 3) // two copies of a record, and their event
		b.eventually(func() error { return equal("dead", len(b.letters(inbox.Dead)), 1) })
		b.wantEqual("effects", b.strings("SELECT event_id FROM effect"), []string{"1"})
		b.eventually(func() error { return equal("parked", fmt.Sprint(b.parkedKeys()), "[]") })
	})
}
