package logfile_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"souk.example/cmd/souk/internal/logfile"
)

func TestSeekLastLines(t *testing.T) {
	long := strings.Repeat(strings.Repeat("x", 99)+"\n", 1000)
	for name, c := range map[string]struct {
		text string
		n    int
		want string
	}{
		"fewer lines than asked": {"a\nb\n", 5, "a\nb\n"},
		"some":                   {"a\nb\nc\n", 2, "b\nc\n"},
		"an unfinished line":     {"a\nb\nc", 2, "b\nc"},
		"empty":                  {"", 3, ""},
		"none":                   {"a\nb\n", 0, ""},
		"over many blocks":       {long, 500, long[len(long)/2:]},
	} {
		t.Run(name, func(t *testing.T) {
			r := strings.NewReader(c.text)
			if err := logfile.SeekLastLines(r, c.n); err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(r)
			if string(got) != c.want {
				t.Errorf("got %d bytes, want %d", len(got), len(c.want))
			}
		})
	}
}

func TestTailSinceForgetsEarlierRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("old\nnew 1\nnew 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := logfile.TailSince(path, 4, 10); got != "new 1\nnew 2\n" {
		t.Errorf("got %q", got)
	}
	if got := logfile.TailSince(path, 16, 10); got != "" {
		t.Errorf("nothing was added, got %q", got)
	}
}

func TestWriterKeepsTwoBoundedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log", "order.log")
	w, err := logfile.Open(path, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"one\n", "two\n", "three\n", "four\n", "a line above the limit\n", "six\n"} {
		if _, err := w.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	now, _ := os.ReadFile(path)
	before, _ := os.ReadFile(path + ".1")
	if string(now) != "six\n" || string(before) != "a line above the limit\n" {
		t.Errorf("now %q, before %q", now, before)
	}
}

func ExampleSeekLastLines() {
	log := strings.NewReader("started\nserving\nstopped\n")
	_ = logfile.SeekLastLines(log, 2)
	_, _ = io.Copy(os.Stdout, log)
	// Output:
	// serving
	// stopped
}
