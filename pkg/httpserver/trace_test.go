package httpserver_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceParent  = "00-" + callersTrace + "-00f067aa0ba902b7-01"
)

// A span is of a route: paths hold ids.
func TestSpansAreNamedByTheirRoute(t *testing.T) {
	tel, spans := telemetry.Nop(), tracetest.NewSpanRecorder()
	tel.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	router := httpserver.NewRouter(httpserver.Config{}, tel)
	router.GET("/orders/:id", func(*gin.Context) {})
	request(t, router, "GET", "/orders/42")
	if ended := spans.Ended(); len(ended) != 1 || ended[0].Name() != "GET /orders/:id" {
		t.Errorf("spans %v", ended)
	}
}

// Who sees a slow bucket finds a trace of a request that was in it.
func TestSampledRequestsAreExemplars(t *testing.T) {
	tel := telemetry.Nop()
	tel.Tracer = sdktrace.NewTracerProvider().Tracer("test")
	router := httpserver.NewRouter(httpserver.Config{}, tel)
	router.GET("/sampled", func(*gin.Context) {})
	router.GET("/other", func(*gin.Context) {})
	request(t, router, "GET", "/sampled", "Traceparent", traceParent)
	request(t, router, "GET", "/other", "Traceparent", strings.TrimSuffix(traceParent, "1")+"0")
	admin := run(t, httpserver.NewAdmin(httpserver.Config{}, tel))

	text := openMetrics(t, "http://"+admin.Addr()+"/metrics")
	bucket := regexp.MustCompile(`(?m)^souk_http_request_duration_seconds_bucket\{route="([^"]*)",le="[^"]*"\} \d+ # \{trace_id="([0-9a-f]*)"\}`)
	found := bucket.FindAllStringSubmatch(text, -1)
	if len(found) != 1 || found[0][1] != "/sampled" || found[0][2] != callersTrace {
		t.Errorf("exemplars %q in\n%s", found, text)
	}
}

func openMetrics(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	resp, err := newClient(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/openmetrics-text") {
		t.Fatalf("%s: %v", resp.Header.Get("Content-Type"), err)
	}
	return string(text)
}

func TestRequestsAreLoggedWithTheirTrace(t *testing.T) {
	tel, log := logging(t)
	router := httpserver.NewRouter(httpserver.Config{}, tel)
	router.GET("/", func(c *gin.Context) { tel.Logger.InfoContext(c.Request.Context(), "within") })
	request(t, router, "GET", "/", "Traceparent", traceParent)
	for line := range strings.Lines(log.String()) {
		if !strings.Contains(line, `"trace_id":"`+callersTrace+`"`) {
			t.Errorf("no trace in %s", line)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("%d lines: %s", n, log)
	}
}
