package idgen_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/idgen"
	"souk.example/pkg/redisclient/redistest"
)

// However many renewals fail, the log has one line for it and one for its end.
func TestOutagesAreLoggedOnce(t *testing.T) {
	t.Parallel()
	proxy, said := redistest.NewProxy(t, redistest.Mini(t).Addr()), &strings.Builder{}
	w := idgen.New(inRedis(t, redistest.DialHasty(t, proxy.Addr())), idgen.Config{
		LeaseTTL: time.Second, Log: slog.New(slog.NewTextHandler(said, nil)),
	})
	if err := w.Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	ready := func() bool { _, err := w.Next(); return err == nil }
	proxy.DropReplies.Store(true)
	redistest.Eventually(t, "the lease ends, after renewals that failed", func() bool { return !ready() })
	proxy.DropReplies.Store(false)
	redistest.Eventually(t, "there are ids again", ready)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, line := range []string{"worker lease not renewed", "worker lease renewed again"} {
		if n := strings.Count(said.String(), line); n != 1 {
			t.Errorf("%q stands %d times in the log:\n%s", line, n, said)
		}
	}
}

// A service may start before its store does.
func TestAcquireWaitsForItsStore(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	w := idgen.New(inRedis(t, redistest.Dial(t, server.Addr())), idgen.Config{LeaseTTL: time.Second})
	server.Kill()
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := w.Acquire(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Acquire() without its store = %v, want the end of its context", err)
	}
	acquired := make(chan error, 1)
	go func() { acquired <- w.Acquire(t.Context()) }()
	server.Restart()
	if err := <-acquired; err != nil {
		t.Fatal(err)
	}
	next(t, w)
}

// What a store answers does not change by asking again.
func TestAcquireReturnsWhatTheStoreAnswers(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	if err := rdb.Write().RPush(t.Context(), "leases", "no hash").Err(); err != nil {
		t.Fatal(err)
	}
	err := idgen.New(inRedis(t, rdb), idgen.Config{}).Acquire(t.Context())
	if err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("Acquire() = %v, want what Redis says", err)
	}
}

func TestAcquireTwiceTakesOneNumber(t *testing.T) {
	t.Parallel()
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			w, machines := idgen.New(store(t), idgen.Config{LeaseTTL: 2 * time.Second}), map[int]bool{}
			for range 2 {
				if err := w.Acquire(t.Context()); err != nil {
					t.Fatal(err)
				}
				machines[idgen.Parse(next(t, w)).Machine] = true
			}
			if len(machines) != 1 {
				t.Errorf("numbers %v", machines)
			}
		})
	}
}
