package main

import (
	"errors"
	"io"
	"os"
	"testing"

	"souk.example/cmd/souk/internal/console"
	"souk.example/cmd/souk/internal/daemon"
)

// A process that was killed is found running until the kernel is done with it:
// souk up starts another one then, as it does on native engines.
func TestAProcessThatEndsWhileUpWaitsForItIsStartedAgain(t *testing.T) {
	ownHome(t)
	a := &app{progress: console.New(io.Discard)}
	if err := a.configure(os.Getenv); err != nil {
		t.Fatal(err)
	}
	held, err := daemon.Hold(a.home.PidFile(soukProcess), daemon.Process{PID: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	alive, err := a.platform.ensure(t.Context())
	if err != nil || alive() != nil {
		t.Fatalf("a process that runs: %v, %v", err, alive())
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	if err := alive(); !errors.Is(err, errGone) {
		t.Errorf("a process that has ended: %v, want %v", err, errGone)
	}
}
