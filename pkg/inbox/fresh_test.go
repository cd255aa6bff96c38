package inbox_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
)

// runs notes of each run of a handler whether it was fresh, and fails the first
// of them.
type runs struct {
	mu    sync.Mutex
	fresh []bool
	fails []error
}

func (r *runs) handle(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh = append(r.fresh, inbox.Fresh(ctx))
	if n := len(r.fresh); n <= len(r.fails) && r.fails[n-1] != nil {
		return r.fails[n-1]
	}
	return inbox.Each(poisoned)(ctx, tx, events)
}

func (r *runs) seen() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint(r.fresh)
}

// What was taken for new and is not is run again at once: it is no race, and
// nothing to warn of. Whatever else fails is run again without trust as well.
func TestABatchIsTrustedOnce(t *testing.T) {
	raced, lost := fmt.Errorf("insert: %w", database.ErrDuplicate), fmt.Errorf("commit: %w", database.ErrCommitUnknown)
	for name, c := range map[string]struct {
		fails []error
		fresh string
		warns int
	}{
		"new":                    {nil, "[true]", 0},
		"not new":                {[]error{raced}, "[true false]", 0},
		"remembered wrong":       {[]error{fmt.Errorf("update: %w", database.ErrStale)}, "[true false]", 0},
		"perhaps committed":      {[]error{lost}, "[true false]", 1},
		"not new, then 3 racers": {[]error{raced, raced, raced, raced}, "[true false false false false]", 3},
	} {
		t.Run(name, func(t *testing.T) {
			b, r, logged := newBench(t, onMemory), &runs{fails: c.fails}, &bytes.Buffer{}
			b.tel.Logger = slog.New(slog.NewTextHandler(logged, nil))
			b.publish(b.pack(0, event("1-1", "a")))
			stop := b.run(r.handle)
			b.awaitEnd()
			stop()
			b.wantEqual("fresh", r.seen(), c.fresh)
			b.wantEqual("warnings", bytes.Count(logged.Bytes(), []byte("runs again")), c.warns)
			b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 1)
		})
	}
}

func TestWhatMayHaveComeBeforeIsNotFresh(t *testing.T) {
	nudge := event("1-1", "a")
	nudge.Nudge = true
	replayed := func(b *bench) eventbus.Record {
		r := b.pack(0, event("1-1", "a"))
		r.Replay = b.cfg.Group
		return r
	}
	for name, records := range map[string]func(*bench) eventbus.Record{
		"nudged":           func(b *bench) eventbus.Record { return b.pack(0, nudge) },
		"nudged, among it": func(b *bench) eventbus.Record { return b.pack(0, event("2-1", "b"), nudge, event("3-1", "c")) },
		"replayed":         replayed,
	} {
		t.Run(name, func(t *testing.T) {
			b, r := newBench(t, onMemory), &runs{}
			b.publish(records(b))
			b.run(r.handle)
			b.awaitEnd()
			b.wantEqual("fresh", r.seen(), "[false]")
		})
	}
}

func TestWhatIsRedeliveredIsNotFresh(t *testing.T) {
	b, r := newBench(t, onMemory), &runs{}
	b.publish(b.pack(0, event("1-1", "a")))
	stop := b.runOn(losesCommits{b.bus}, inbox.Each(count))
	b.eventually(func() error { return equal("progress", b.progress(0), 1) })
	stop()
	b.run(r.handle)
	b.awaitEnd()
	b.wantEqual("fresh", r.seen(), "[false]")
}

// The search for what is poisoned, the batch without it and the retries look.
func TestNothingIsTrustedAfterAFault(t *testing.T) {
	b, r := newBench(t, onMemory), &runs{}
	b.cfg.Retries, b.cfg.RetryPoll = []time.Duration{time.Millisecond}, time.Millisecond
	b.publish(b.pack(0, event("1-1", "a"), poison("2-1", "b", "error")))
	b.run(r.handle)
	b.awaitEnd()
	b.eventually(func() error {
		return equal("dead letters", b.number("SELECT COUNT(*) FROM dead_letter WHERE status = 'DEAD'"), 1)
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, fresh := range r.fresh {
		if fresh != (n == 0) {
			t.Errorf("run %d of %d: fresh = %t", n+1, len(r.fresh), fresh)
		}
	}
}

func TestNothingIsFreshOutsideAnInbox(t *testing.T) {
	if inbox.Fresh(t.Context()) {
		t.Error("Fresh() = true")
	}
}
