package timerslack_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"souk.example/cmd/souk/internal/timerslack"
)

const (
	child    = "SOUK_TEST_TIMERSLACK_CHILD"
	takeBack = "SOUK_TEST_TIMERSLACK_TAKE_BACK"
)

// TestMain is also the program that begins once more.
func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	if os.Getenv(takeBack) != "" { // as a kernel that does not keep it
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	}
	if err := timerslack.Relax(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if os.Getenv(takeBack) != "" {
		name, _ := os.ReadFile("/proc/self/comm")
		fmt.Println("begun once more as", strings.TrimSpace(string(name)))
		return
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

// And under the name it was started by.
func TestItBeginsOnceMoreOnly(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), child+"=1", takeBack+"=1")
	cmd.WaitDelay = time.Second
	timer := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	name := filepath.Base(os.Args[0])
	want := "begun once more as " + name[:min(len(name), 15)] + "\n" // Linux keeps fifteen bytes of it
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
		t.Errorf("%v: got %q, want %q", err, out, want)
	}
}
