package httpserver_test

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"souk.example/pkg/apperr"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/telemetry"
	"souk.example/pkg/tracing"
)

// What fasthttp leaves running: one clock for good, and each server's cleaner of
// idle workers for ten seconds after its end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

func request(t *testing.T, h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// logging is a telemetry whose log the test can read.
func logging(t *testing.T) (*telemetry.Telemetry, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	tel, err := telemetry.New(t.Context(), telemetry.Config{LogWriter: &log})
	if err != nil {
		t.Fatal(err)
	}
	return tel, &log
}

func TestKindsMapToStatuses(t *testing.T) {
	for kind, want := range map[apperr.Kind]int{
		apperr.Internal: 500, apperr.Invalid: 400, apperr.Unauthenticated: 401, apperr.Forbidden: 403,
		apperr.NotFound: 404, apperr.Conflict: 409, apperr.TooLarge: 413, apperr.Unsupported: 415,
		apperr.Unprocessable: 422, apperr.TooMany: 429, apperr.Unavailable: 503, apperr.Timeout: 504,
		apperr.RequestTimeout: 408, apperr.Kind(99): 500,
	} {
		if got := httpserver.Status(kind); got != want {
			t.Errorf("kind %d: got %d, want %d", kind, got, want)
		}
	}
}

func failing(tel *telemetry.Telemetry, err error) http.Handler {
	r := httpserver.NewRouter(httpserver.Config{}, tel)
	r.GET("/fail/:id", func(c *gin.Context) { httpserver.Fail(c, err) })
	return r
}

func TestFailHidesCausesAndLogsThemOnce(t *testing.T) {
	tel, log := logging(t)
	h := failing(tel, fmt.Errorf("query: %w", errors.New("SELECT secret FROM /var/lib/db")))
	w := request(t, h, "GET", "/fail/1", "X-Request-Id", "req-1")
	p := problemOf(t, w.Code, w.Header(), w.Body.Bytes())
	if w.Code != 500 || p.Code != "internal" || p.RequestID != "req-1" || strings.Contains(w.Body.String(), "SELECT") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if strings.Count(log.String(), "SELECT secret") != 1 || !strings.Contains(log.String(), "req-1") {
		t.Errorf("log: %s", log)
	}
}

func TestFailShowsFieldsAndRetryAfter(t *testing.T) {
	slow := apperr.New(apperr.TooMany, "slow_down", "too many").WithRetryAfter(1500 * time.Millisecond)
	w := request(t, failing(telemetry.Nop(), slow), "GET", "/fail/1")
	if w.Code != 429 || w.Header().Get("Retry-After") != "2" {
		t.Errorf("got %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	busy := apperr.New(apperr.Unavailable, "busy", "busy")
	if w := request(t, failing(telemetry.Nop(), busy), "GET", "/fail/1"); w.Header().Get("Retry-After") != "1" {
		t.Errorf("503 without Retry-After: %v", w.Header())
	}
	bad := apperr.New(apperr.Unprocessable, "bad", "bad").WithFields(apperr.Field{Field: "items[0].sku", Code: "unknown", Detail: "no"})
	w = request(t, failing(telemetry.Nop(), bad), "GET", "/fail/1")
	if p := problemOf(t, w.Code, w.Header(), w.Body.Bytes()); p.fields() != "items[0].sku unknown" {
		t.Errorf("fields %q", p.fields())
	}
}

// What passes by itself, or may have taken effect, is not a mistake of ours.
func TestFailuresOfTheEnginesAreNotInternal(t *testing.T) {
	for name, tc := range map[string]struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		"commit unknown":          {database.ErrCommitUnknown, 504, "outcome_unknown", ""},
		"commit lost at deadline": {errors.Join(database.ErrCommitUnknown, context.DeadlineExceeded), 504, "outcome_unknown", ""},
		"connection lost":         {driver.ErrBadConn, 503, "temporarily_unavailable", "1"},
		"no lease":                {idgen.ErrNoLease, 503, "temporarily_unavailable", "1"},
		"ids exhausted":           {idgen.ErrExhausted, 503, "temporarily_unavailable", "1"},
		"deadline":                {errors.Join(context.DeadlineExceeded, driver.ErrBadConn), 504, "timeout", ""},
		"the service's own word":  {apperr.New(apperr.Conflict, "taken", "taken").With(driver.ErrBadConn), 409, "taken", ""},
	} {
		w := request(t, failing(telemetry.Nop(), fmt.Errorf("top up: %w", tc.err)), "GET", "/fail/1")
		p := problemOf(t, w.Code, w.Header(), w.Body.Bytes())
		if w.Code != tc.status || p.Code != tc.code || w.Header().Get("Retry-After") != tc.retryAfter {
			t.Errorf("%s: %d %s, Retry-After %q", name, w.Code, p.Code, w.Header().Get("Retry-After"))
		}
	}
}

func TestPanicIsAnOpaque500(t *testing.T) {
	tel, log := logging(t)
	r := httpserver.NewRouter(httpserver.Config{}, tel)
	r.GET("/panic", func(*gin.Context) { panic("secret stack") })
	w := request(t, r, "GET", "/panic")
	problemOf(t, w.Code, w.Header(), w.Body.Bytes())
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") || !strings.Contains(log.String(), "router_test.go") {
		t.Errorf("got %d %s, log %s", w.Code, w.Body, log)
	}
	if got := testutil.CollectAndCount(tel.Registry, "souk_http_requests_total"); got != 1 {
		t.Errorf("%d request series", got)
	}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	h := failing(telemetry.Nop(), nil)
	w := request(t, h, "GET", "/nowhere")
	if p := problemOf(t, w.Code, w.Header(), w.Body.Bytes()); w.Code != 404 || p.Code != "route_not_found" || p.RequestID == "" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	w = request(t, h, "DELETE", "/fail/1", "X-HTTP-Method-Override", "GET")
	if p := problemOf(t, w.Code, w.Header(), w.Body.Bytes()); w.Code != 405 || p.Code != "method_not_allowed" || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("got %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := request(t, h, "GET", "/fail/1/"); w.Code != 404 {
		t.Errorf("trailing slash: %d", w.Code)
	}
}

func TestURLsMustBePlain(t *testing.T) {
	h := failing(telemetry.Nop(), apperr.New(apperr.Conflict, "reached", "reached the handler"))
	for _, good := range []string{"/fail/SKU-0001", "/fail/a%20b", "/fail/%E4%BD%A0", "/fail/1?a=1&b=2", "/fail/1?q=%25_"} {
		if w := request(t, h, "GET", good); w.Code != 409 {
			t.Errorf("%s: %d %s", good, w.Code, w.Body)
		}
	}
	for _, bad := range []string{
		"//fail/1", "/fail//1", "/fail/1//", "/x/../fail/1", "/x/%2e%2e/fail/1", "/%2E%2e/etc/passwd", "/fail/.",
		"/fail/1;a=b", "/fail/1%3b", "/fail/a%2fb", "/fail/a%5cb", "/fail/%00", "/fail/%0d%0aX:1", "/fail/%ff",
		"/fail/1?a=1&a=2", "/fail/1?sort=id;drop", "/fail/1?a=%zz",
	} {
		w := request(t, h, "GET", bad)
		problemOf(t, w.Code, w.Header(), w.Body.Bytes())
		if w.Code != 400 {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	r.GET("/id", func(c *gin.Context) { c.String(200, httpserver.RequestIDFrom(c.Request.Context())) })
	for _, good := range []string{"a", "A-b_c.9", strings.Repeat("x", 64)} {
		if w := request(t, r, "GET", "/id", "X-Request-Id", good); w.Header().Get("X-Request-Id") != good || w.Body.String() != good {
			t.Errorf("%q became %q", good, w.Header().Get("X-Request-Id"))
		}
	}
	for _, bad := range []string{"", "a b", "a\x1b[31m", "ü", "a/b", strings.Repeat("x", 65)} {
		w := request(t, r, "GET", "/id", "X-Request-Id", bad)
		if got := w.Header().Get("X-Request-Id"); got == bad || len(got) != 32 {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

func TestTraceparentIsHonoured(t *testing.T) {
	tel, log := logging(t)
	r := httpserver.NewRouter(httpserver.Config{}, tel)
	r.GET("/trace", func(c *gin.Context) { c.String(200, tracing.TraceID(c.Request.Context())) })
	w := request(t, r, "GET", "/trace", "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if w.Body.String() != "4bf92f3577b34da6a3ce929d0e0e4736" || !strings.Contains(log.String(), "4bf92f3577b34da6a3ce929d0e0e4736") {
		t.Errorf("trace %q, log %s", w.Body, log)
	}
	if w := request(t, r, "GET", "/trace"); len(w.Body.String()) != 32 {
		t.Errorf("no trace id without a traceparent: %q", w.Body)
	}
}

func TestAccessLogAndMetricsHoldNoPersonalData(t *testing.T) {
	tel, log := logging(t)
	h := failing(tel, apperr.New(apperr.NotFound, "none", "none"))
	request(t, h, "GET", "/fail/alice@example.com?q=alice@example.com", "X-Forwarded-For", "203.0.113.9")
	request(t, h, "BREW", "/alice@example.com")
	var line map[string]any
	if err := json.NewDecoder(log).Decode(&line); err != nil {
		t.Fatal(err)
	}
	if line["route"] != "/fail/:id" || line["status"] != 404.0 || line["method"] != "GET" || line["trace_id"] == nil {
		t.Errorf("log line %v", line)
	}
	families, err := tel.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	metrics := fmt.Sprint(families)
	for _, leak := range []string{"alice", "203.0.113.9", "192.0.2.1", "BREW"} {
		if strings.Contains(fmt.Sprint(line)+log.String(), leak) || strings.Contains(metrics, leak) {
			t.Errorf("%s leaked", leak)
		}
	}
	if !strings.Contains(metrics, `"unmatched"`) || !strings.Contains(metrics, `"other"`) {
		t.Errorf("metrics: %s", metrics)
	}
}

func TestRequestsHaveADeadline(t *testing.T) {
	r := httpserver.NewRouter(httpserver.Config{RequestTimeout: time.Millisecond}, telemetry.Nop())
	r.GET("/slow", func(c *gin.Context) {
		<-c.Request.Context().Done()
		httpserver.Fail(c, fmt.Errorf("query: %w", c.Request.Context().Err()))
	})
	w := request(t, r, "GET", "/slow")
	if p := problemOf(t, w.Code, w.Header(), w.Body.Bytes()); w.Code != 504 || p.Code != "timeout" {
		t.Errorf("got %d %s", w.Code, p.Code)
	}
}

func BenchmarkRouter(b *testing.B) {
	r := httpserver.NewRouter(httpserver.Config{AccessLog: "errors"}, telemetry.Nop())
	r.GET("/v1/orders/:id", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	req := httptest.NewRequest("GET", "/v1/orders/1", nil)
	b.ReportAllocs()
	for b.Loop() {
		r.ServeHTTP(httptest.NewRecorder(), req)
	}
}
