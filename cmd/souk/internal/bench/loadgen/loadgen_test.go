package loadgen_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"souk.example/cmd/souk/internal/bench/loadgen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func request(dst []byte, n int64) []byte {
	return fmt.Appendf(dst, "POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", n)
}

// server answers the requests of one connection with "id": n after wait(n).
func server(c net.Conn, wait func(n int) time.Duration) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		var n int
		_, _ = fmt.Sscanf(req.URL.Path, "/%d", &n)
		time.Sleep(wait(n))
		body := fmt.Sprintf(`{"id":"%d","status":"PENDING"}`, n+1)
		if _, err := fmt.Fprintf(c, "HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			return
		}
	}
}

// against runs a load against servers in memory, one for each connection.
func against(t *testing.T, l loadgen.Load, wait func(n int) time.Duration) loadgen.Outcome {
	t.Helper()
	var servers sync.WaitGroup
	l.Targets, l.Compose = []string{"memory"}, request
	l.Dial = func(context.Context, string) (net.Conn, error) {
		near, far := net.Pipe()
		servers.Go(func() { server(far, wait) })
		return near, nil
	}
	out := loadgen.Run(t.Context(), l)
	servers.Wait()
	return out
}

func always(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

// A server that stalls once delays everybody who comes meanwhile. Measured from
// the sending, only one request of the hundred would be slow.
func TestLatencyCountsFromTheIntendedArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := against(t, loadgen.Load{Clients: 1, Rate: 10, Length: 10 * time.Second}, func(n int) time.Duration {
			if n == 0 {
				return 2 * time.Second
			}
			return 0
		})
		if len(out.Samples) != 100 || out.Unsent != 0 || len(out.Errors) != 0 {
			t.Fatalf("%d samples, %d unsent, errors %v", len(out.Samples), out.Unsent, out.Errors)
		}
		for i, s := range out.Samples {
			want := max(0, 2*time.Second-time.Duration(i)*100*time.Millisecond)
			if s.Took != want {
				t.Errorf("request %d took %v, want %v", i, s.Took, want)
			}
		}
		if late := out.Samples[5].Late; late != 1500*time.Millisecond {
			t.Errorf("request 5 was sent %v late", late)
		}
	})
}

func TestArrivalsKeepTheirRateWhileAnswersAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		out := against(t, loadgen.Load{Clients: 50, Rate: 10, Length: 10 * time.Second}, always(3*time.Second))
		if len(out.Samples) != 100 {
			t.Fatalf("%d samples", len(out.Samples))
		}
		for _, s := range out.Samples {
			if n := s.ID - 1; s.At.Sub(start) != time.Duration(n)*100*time.Millisecond || s.Late != 0 || s.Took != 3*time.Second {
				t.Errorf("request %d at %v, %v late, took %v", n, s.At.Sub(start), s.Late, s.Took)
			}
		}
	})
}

func TestAClosedLoopSendsTheNextWhenOneIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := against(t, loadgen.Load{Clients: 4, Length: 10 * time.Second}, always(time.Second))
		if len(out.Samples) != 40 || out.Unsent != 0 {
			t.Errorf("%d samples, %d unsent", len(out.Samples), out.Unsent)
		}
	})
}

// What the server never gets to is counted, so that a run cannot look good by
// leaving out what it could not send.
func TestArrivalsAreGivenUpWhenTheServerIsFarBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := against(t, loadgen.Load{Clients: 1, Rate: 10, Length: 10 * time.Second}, always(time.Second))
		if len(out.Samples)+out.Unsent != 100 || len(out.Samples) > 16 {
			t.Errorf("%d samples, %d unsent", len(out.Samples), out.Unsent)
		}
	})
}

func TestAnAnswerThatNeverComesIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := against(t, loadgen.Load{Clients: 1, Length: time.Second}, always(time.Minute))
		if len(out.Samples) != 0 || out.Errors["no answer: timeout"] != 1 {
			t.Errorf("%d samples, errors %v", len(out.Samples), out.Errors)
		}
	})
}

func TestRealServer(t *testing.T) {
	var served atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch n := served.Add(1); n % 4 {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"status":503,"code":"queue_full"}`)
		case 2:
			w.Header().Set("Connection", "close") // the next request needs a new connection
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"id":"2","status":"PENDING"}`)
		case 3: // chunked
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"id":"3","filler":"`+strings.Repeat("x", 10_000)+`"}`)
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer s.Close()
	out := loadgen.Run(t.Context(), loadgen.Load{
		Targets: []string{s.Listener.Addr().String()}, Clients: 1, Rate: 1000, Length: 40 * time.Millisecond, Compose: request,
	})
	if len(out.Samples) != 20 || out.Errors["503 queue_full"] != 10 || out.Errors["500"] != 10 {
		t.Errorf("%d created, errors %v", len(out.Samples), out.Errors)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		loadgen.Run(ctx, loadgen.Load{
			Targets: []string{"memory"}, Clients: 1, Length: time.Hour, Compose: request,
			Dial: func(context.Context, string) (net.Conn, error) { return near, nil },
		})
		if took := time.Since(start); took > answerTimeoutAtMost {
			t.Errorf("it went on for %v", took)
		}
	})
}

const answerTimeoutAtMost = 16 * time.Second
