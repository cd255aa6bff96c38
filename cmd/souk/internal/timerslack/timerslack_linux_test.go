package timerslack_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"souk.example/cmd/souk/internal/timerslack"
)

const child = "SOUK_TEST_TIMERSLACK_CHILD"

// TestMain is also the program that begins once more.
func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	if err := timerslack.Relax(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, thread := range threads() {
		slack, err := os.ReadFile("/proc/" + thread + "/timerslack_ns")
		if err != nil { // of another thread it is told to who may set it
			continue
		}
		fmt.Print(os.Getpid(), " ", string(slack))
	}
}

func threads() (ids []string) {
	tasks, _ := filepath.Glob("/proc/self/task/*")
	for _, task := range tasks {
		ids = append(ids, filepath.Base(task))
	}
	return ids
}

// The runtime's own threads, made before main, are among them.
func TestAllThreadsHaveTheSlack(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "an argument")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	want := fmt.Sprint(cmd.Process.Pid, " 1000000")
	for _, line := range lines {
		if line != want {
			t.Errorf("got %q, want %q", line, want)
		}
	}
	if os.Geteuid() == 0 && len(lines) < 3 {
		t.Errorf("%d threads: %s", len(lines), out)
	}
}
