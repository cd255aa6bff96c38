package idgen_test

import (
	"context"
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
	w := idgen.New(inRedis(t, redistest.Dial(t, proxy.Addr())), idgen.Config{
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
