package telemetry_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"souk.example/pkg/telemetry"
)

// writes remembers what was written, and how often.
type writes struct {
	mu    sync.Mutex
	text  strings.Builder
	times int
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.times++
	return w.text.Write(p)
}

func (w *writes) lines() (lines, times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.text.String(), "\n"), w.times
}

func TestLinesOfTheAccessLogAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(writes)
		tel := newTelemetry(t, telemetry.Config{AccessLogDelay: time.Second, LogWriter: out})
		expect := func(when string, wantLines, wantTimes int) {
			t.Helper()
			synctest.Wait()
			if lines, times := out.lines(); lines != wantLines || times != wantTimes {
				t.Errorf("%s: %d lines in %d writes, want %d in %d", when, lines, times, wantLines, wantTimes)
			}
		}
		for range 3 {
			tel.AccessLog.Info("request")
		}
		expect("at once", 0, 0)
		tel.Logger.Info("something else")
		expect("any other line", 1, 1)
		time.Sleep(time.Second)
		expect("after the delay", 4, 2)

		tel.AccessLog.Info("request", "long", strings.Repeat("x", 32<<10))
		expect("when there are many", 5, 3)
		time.Sleep(time.Second)
		expect("after that", 5, 3)

		tel.AccessLog.Info("request")
		if err := tel.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		expect("at the end", 6, 4)
	})
}

func TestWithoutADelayEachLineIsWrittenAtOnce(t *testing.T) {
	out := new(writes)
	tel := newTelemetry(t, telemetry.Config{LogWriter: out})
	tel.AccessLog.Info("request")
	if lines, times := out.lines(); lines != 1 || times != 1 {
		t.Errorf("%d lines in %d writes", lines, times)
	}
}
