package daemon_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"souk.example/cmd/souk/internal/daemon"
)

func TestTurnsAreTakenOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	done, err := daemon.TakeTurn(t.Context(), path, func() { t.Error("the first waited") })
	if err != nil {
		t.Fatal(err)
	}
	waited := false
	after, err := daemon.TakeTurn(t.Context(), path, func() {
		waited = true
		if err := done(); err != nil {
			t.Error(err)
		}
	})
	if err != nil || !waited {
		t.Fatalf("the second turn: waited %v, %v", waited, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := daemon.TakeTurn(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("a turn that never comes: %v", err)
	}
	if err := after(); err != nil {
		t.Error(err)
	}
}
