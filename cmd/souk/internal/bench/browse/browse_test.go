package browse_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/cmd/souk/internal/bench/browse"
	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/empty/emptytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop serves a page with a tag to whoever does not have it.
func shop(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"1"`)
	if r.Header.Get("If-None-Match") == `"1"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = io.WriteString(w, "page of "+r.URL.Path)
}

// run runs until the report is as it should be, three times at most: a machine
// may stand still for a whole second.
func run(t *testing.T, cfg browse.Config, h http.HandlerFunc, good func(browse.Report) bool) browse.Report {
	t.Helper()
	var r browse.Report
	for range 3 {
		if r = once(t, cfg, h); good(r) {
			break
		}
	}
	return r
}

func once(t *testing.T, cfg browse.Config, h http.HandlerFunc) browse.Report {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	cfg.Clients, cfg.Duration = 2, time.Second
	r, err := browse.Run(t.Context(), cfg, browse.Stack{
		Targets: []string{strings.TrimPrefix(server.URL, "http://")}, SKUs: []string{"A", "B-C"}, Empty: emptytest.Start,
		Processes: []cputime.Process{{Name: "shop", PID: os.Getpid()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPagesAndTheEmptyHandlerAreMeasured(t *testing.T) {
	for name, conditional := range map[string]bool{"whole pages": false, "unchanged pages": true} {
		t.Run(name, func(t *testing.T) {
			r := run(t, browse.Config{Target: "inventory", Conditional: conditional}, shop, func(r browse.Report) bool { return !r.Void })
			if r.Void || r.Pages == nil || r.Empty == nil || r.CPURatio == nil || r.PerSRatio == nil {
				t.Fatalf("%+v", r)
			}
			for _, f := range []*browse.Figures{r.Pages, r.Empty} {
				if f.PerS <= 0 || f.MS.P95 < f.MS.P50 || f.MS.P99 < f.MS.P95 {
					t.Errorf("%+v", *f)
				}
			}
		})
	}
}

func TestAWrongAnswerMakesARunVoid(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		shop(w, r)
	}
	blamed := func(r browse.Report) bool {
		return strings.Contains(r.Why, "pages: ") && strings.Contains(r.Why, "× 503")
	}
	r := run(t, browse.Config{Conditional: true}, answer, blamed)
	if !r.Void || !blamed(r) || r.Pages != nil || r.Empty != nil || r.CPURatio != nil || r.PerSRatio != nil {
		t.Errorf("%+v", r)
	}
}

func TestWhatCannotBeRun(t *testing.T) {
	for name, cfg := range map[string]browse.Config{
		"no time":      {Duration: time.Millisecond},
		"too long":     {Duration: time.Hour},
		"clients":      {Clients: -1},
		"warm-up":      {Warmup: -1},
		"long warm-up": {Warmup: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := browse.Run(t.Context(), cfg, browse.Stack{}); err == nil {
				t.Error("no error")
			}
		})
	}
	if _, err := browse.Run(t.Context(), browse.Config{}, browse.Stack{}); err == nil || !strings.Contains(err.Error(), "no product") {
		t.Errorf("error %v", err)
	}
}
