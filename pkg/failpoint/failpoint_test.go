//go:build failpoints

package failpoint_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"souk.example/pkg/failpoint"
)

// TestPasserBy is no test: it is what the test below starts.
func TestPasserBy(t *testing.T) {
	if os.Getenv("SOUK_FAILPOINTS") == "" {
		t.Skip("run by another")
	}
	failpoint.Hit("elsewhere")
	failpoint.Hit("here")
}

func TestAnArmedPlaceKillsOnce(t *testing.T) {
	dir := t.TempDir()
	armed := filepath.Join(dir, "here")
	if err := os.WriteFile(armed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if state := passBy(dir); state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the first to come by: %v", state)
	}
	if _, err := os.Stat(armed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the place is armed still: %v", err)
	}
	if state := passBy(dir); !state.Success() {
		t.Errorf("the second to come by: %v", state)
	}
}

func passBy(dir string) *os.ProcessState {
	cmd := exec.Command(os.Args[0], "-test.run=^TestPasserBy$")
	cmd.Env = append(os.Environ(), "SOUK_FAILPOINTS="+dir)
	_ = cmd.Run() // its state tells
	return cmd.ProcessState
}
