package registry_test

import (
	"errors"
	"testing"

	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/registry"
)

func TestAWatcherRunsOnceAtATime(t *testing.T) {
	n := newNode(t, redistest.Open(t), heard)
	w, err := n.Watch("shop")
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, w.Run)
	<-w.Ready()
	if err := w.Run(t.Context()); !errors.Is(err, registry.ErrRunning) {
		t.Errorf("a second Run: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	n.announce(t, "a")
	start(t, w.Run)
	awaitIDs(t, w, "a")
}
