package edge_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/overload"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/edge"
)

const (
	someOrders = `{"items":[{"id":"1","note":"<&>"}],"next_cursor":null}`
	someWallet = `{"balance":{"amount":12990,"currency":"CNY"}}`
	somePoints = `{"balance":36,"frozen":30}`
)

// board is an edge in front of three services.
type board struct {
	orders, wallet, points string // URLs
	timeout                time.Duration
	limits                 edge.Limits
	admit                  gin.HandlerFunc
	log                    bytes.Buffer
}

// newBoard is one whose services all answer.
func newBoard(t *testing.T) *board {
	return &board{
		orders: service(t, says(someOrders)), wallet: service(t, says(someWallet)), points: service(t, says(somePoints)),
		admit: func(*gin.Context) {},
	}
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// ask sends a request for the dashboard with a customer's token.
func (b *board) ask(t *testing.T, method string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	verifier, token := oneCustomer(t)
	proxies := map[edge.Service]*edge.Proxy{}
	for to, url := range map[edge.Service]string{edge.User: b.orders, edge.Inventory: b.orders, edge.Order: b.orders, edge.Payment: b.wallet, edge.Points: b.points} {
		proxy, err := edge.NewProxy([]string{url})
		must(t, err)
		proxies[to] = proxy
	}
	router := httpserver.NewRouter(httpserver.Config{AccessLog: "off", RequestTimeout: b.timeout}, telemetry.Nop())
	edge.Register(router, verifier, proxies, b.limits, b.admit, nil, slog.New(slog.NewTextHandler(&b.log, nil)))
	r := httptest.NewRequestWithContext(t.Context(), method, "/v1/dashboard", strings.NewReader("{}"))
	r.Header.Set("Authorization", "Bearer "+token)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	return w
}

func (b *board) get(t *testing.T) *httptest.ResponseRecorder {
	t.Helper()
	return b.ask(t, "GET", nil)
}

// together lets nobody go on before n have come, or the request is given up.
func together(n int) func(*http.Request) {
	var all sync.WaitGroup
	all.Add(n)
	come := make(chan struct{})
	go func() { all.Wait(); close(come) }()
	return func(r *http.Request) {
		all.Done()
		select {
		case <-come:
		case <-r.Context().Done():
		}
	}
}

// The services are asked at the same time, in the caller's name and with nothing
// else of the request; what they say is passed on letter by letter.
func TestTheDashboard(t *testing.T) {
	wait := together(3)
	var mu sync.Mutex
	asked := map[string]http.Header{}
	noting := func(body string) string {
		return service(t, func(w http.ResponseWriter, r *http.Request) {
			sent, _ := io.ReadAll(r.Body)
			wait(r)
			mu.Lock()
			asked[r.Method+" "+r.RequestURI+string(sent)] = r.Header
			mu.Unlock()
			_, _ = io.WriteString(w, body)
		})
	}
	b := newBoard(t)
	b.orders, b.wallet, b.points = noting(someOrders), noting(someWallet), noting(somePoints)
	w := b.ask(t, "GET", http.Header{
		"X-Request-Id": {"mine"}, "Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		"If-None-Match": {"*"}, "Range": {"bytes=0-1"}, "Idempotency-Key": {"k"}, "X-User-Id": {"1"}, "X-Forwarded-For": {"6.6.6.6"}, "Accept-Encoding": {"gzip"},
	})
	want := `{"orders":` + someOrders + `,"wallet":` + someWallet + `,"points":` + somePoints + `,"partial":[]}`
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != want || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Request-Id") != "mine" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if kind := w.Header().Get("Content-Type"); kind != "application/json; charset=utf-8" {
		t.Errorf("content type %s", kind)
	}
	for _, request := range []string{"GET /v1/orders?limit=5", "GET /v1/wallet", "GET /v1/points"} {
		h := asked[request]
		if !strings.HasPrefix(h.Get("Authorization"), "Bearer ") || h.Get("X-Request-Id") != "mine" || !strings.HasPrefix(h.Get("Traceparent"), "00-4bf92f3577b34da6a3ce929d0e0e4736-") {
			t.Errorf("%s: asked with %v", request, h)
		}
		if from := h.Get("X-Forwarded-For"); from == "" || from == "6.6.6.6" {
			t.Errorf("%s: from %q", request, from)
		}
		for _, other := range []string{"If-None-Match", "Range", "Idempotency-Key", "X-User-Id", "Accept-Encoding"} {
			if h.Get(other) != "" {
				t.Errorf("%s: %s goes along", request, other)
			}
		}
	}
	if b.log.Len() > 0 {
		t.Errorf("logged %s", b.log.String())
	}
}

// hang answers nobody until the test is over.
func hang(t *testing.T) http.HandlerFunc {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}
}

// Whatever keeps a service from answering costs its own part only. Nothing is still in hand then, and the log says what is missing.
func TestTheDashboardLacksAPart(t *testing.T) {
	for name, wallet := range map[string]func(t *testing.T) string{
		"refusing":    refused,
		"500":         func(t *testing.T) string { return service(t, answers(500, `{}`)) },
		"401":         func(t *testing.T) string { return service(t, answers(401, `{}`)) },
		"not UTF-8":   func(t *testing.T) string { return service(t, says("{\"a\":\"\xff\"}")) },
		"404":         func(t *testing.T) string { return service(t, answers(404, `{}`)) },
		"nothing":     func(t *testing.T) string { return service(t, answers(204, "")) },
		"empty":       func(t *testing.T) string { return service(t, says("")) },
		"garbage":     func(t *testing.T) string { return service(t, says(`{"balance":`)) },
		"a page":      func(t *testing.T) string { return service(t, says("<html>")) },
		"no object":   func(t *testing.T) string { return service(t, says("null")) },
		"half":        func(t *testing.T) string { return raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}") },
		"too large":   func(t *testing.T) string { return service(t, says(`{"a":"`+strings.Repeat("x", 512<<10)+`"}`)) },
		"without end": func(t *testing.T) string { return service(t, endless(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBoard(t)
			b.wallet = wallet(t)
			b.lacksTheWallet(t, 1)
		})
	}
}

// A service that is busy says so in its own figures, not once more in the edge's log.
func TestTheDashboardLacksWhoIsBusy(t *testing.T) {
	for _, status := range []int{429, 503} {
		b := newBoard(t)
		b.wallet = service(t, answers(status, `{}`))
		b.lacksTheWallet(t, 0)
		b.orders, b.points = b.wallet, b.wallet
		w := b.get(t)
		if w.Code != 503 || code(w.Body.String()) != "overloaded" || w.Header().Get("Retry-After") != "1" || b.log.Len() > 0 {
			t.Errorf("all answer %d: %d %s, logged %s", status, w.Code, w.Body, b.log.String())
		}
	}
}

// A service that does not answer is waited for in half of the request's time, and
// never so long as a page's reader would not.
func TestTheDashboardWaitsNoLonger(t *testing.T) {
	for timeout, most := range map[time.Duration]time.Duration{5 * time.Second: 5 * time.Second, 30 * time.Second: 10 * time.Second} {
		t.Run(timeout.String(), func(t *testing.T) {
			t.Parallel()
			b := newBoard(t)
			b.wallet, b.timeout = service(t, hang(t)), timeout
			began := time.Now()
			b.lacksTheWallet(t, 1)
			if took := time.Since(began); took >= most {
				t.Errorf("answered after %v", took)
			}
		})
	}
}

// lacksTheWallet asks, and wants everything else and so many lines of log.
func (b *board) lacksTheWallet(t *testing.T, lines int) {
	t.Helper()
	limit := overload.New(overload.Config{})
	b.limits = edge.Limits{edge.Payment: limit}
	w := b.get(t)
	want := `{"orders":` + someOrders + `,"wallet":null,"points":` + somePoints + `,"partial":["wallet"]}`
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if n := limit.State().InFlight; n != 0 {
		t.Errorf("%d in hand after the reply", n)
	}
	if log := b.log.String(); strings.Count(log, "\n") != lines || strings.Count(log, "part=wallet") != lines {
		t.Errorf("logged %s", log)
	}
}

// endless says more until nobody listens, which must be long before 64 MiB.
func endless(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for range 16 << 10 {
			if _, err := io.WriteString(w, strings.Repeat(" ", 4<<10)); err != nil {
				return
			}
		}
		t.Error("all of 64 MiB was read")
	}
}

// A service that has too much in hand is not asked; that is counted, not logged.
func TestTheDashboardAsksNobodyWhoIsFull(t *testing.T) {
	b := newBoard(t)
	b.points = service(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	full := overload.New(overload.Config{Floor: 1, Ceiling: 1})
	full.Take()
	b.limits = edge.Limits{edge.Points: full}
	w := b.get(t)
	if partial := partialOf(t, w); w.Code != 200 || !slices.Equal(partial, []string{"points"}) || full.State().Rejected != 1 || b.log.Len() > 0 {
		t.Errorf("%d %s, %+v, logged %s", w.Code, w.Body, full.State(), b.log.String())
	}
}

func partialOf(t *testing.T, w *httptest.ResponseRecorder) []string {
	t.Helper()
	var reply struct{ Partial []string }
	must(t, json.Unmarshal(w.Body.Bytes(), &reply))
	return reply.Partial
}

// What is missing is named in the order of the parts; when that is everything,
// the reply is what any service's is that is down.
func TestTheDashboardLacksMore(t *testing.T) {
	b := newBoard(t)
	b.orders, b.points = refused(t), service(t, answers(500, ""))
	if w := b.get(t); w.Code != 200 || !slices.Equal(partialOf(t, w), []string{"orders", "points"}) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	b.wallet = service(t, answers(429, ""))
	w := b.get(t)
	if w.Code != 503 || code(w.Body.String()) != "upstream_unavailable" || w.Header().Get("Retry-After") != "1" ||
		w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), "127.0.0.1") {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
}
