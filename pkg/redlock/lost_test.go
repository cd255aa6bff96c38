package redlock_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
)

// Whoever notices first, the watchdog or the release, a loss counts once.
func TestLossFoundByReleaseIsCounted(t *testing.T) {
	t.Parallel()
	rdb, reg := redistest.Open(t), prometheus.NewRegistry()
	locker, err := redlock.New(rdb, redlock.Config{}, redlock.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(locker.Close)
	lock := acquire(t, locker, "job")
	if err := rdb.Write().Del(t.Context(), "souk:lock:{job}").Err(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := lock.Release(); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("release: %v, want ErrLost", err)
		}
	}
	const want = "# HELP souk_lock_lost_total Locks lost while they were held.\n# TYPE souk_lock_lost_total counter\nsouk_lock_lost_total 1\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "souk_lock_lost_total"); err != nil {
		t.Error(err)
	}
}
