package telemetry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/telemetry"
	"souk.example/pkg/tracing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func newTelemetry(t *testing.T, cfg telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func TestLogsCarryTraceIDs(t *testing.T) {
	var out bytes.Buffer
	tel := newTelemetry(t, telemetry.Config{Service: "order", LogWriter: &out})
	ctx, span := tel.Tracer.Start(tracing.Extract(t.Context(), parent), "work")
	defer span.End()
	tel.Logger.With(slog.Int("a", 1)).InfoContext(ctx, "hello", "name", "a\nb\x1b[31m")

	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	if line["trace_id"] != "4bf92f3577b34da6a3ce929d0e0e4736" || line["service"] != "order" {
		t.Errorf("got %v", line)
	}
	if line["span_id"] != span.SpanContext().SpanID().String() || line["span_id"] == "00f067aa0ba902b7" {
		t.Errorf("span_id %v is not the new span's", line["span_id"])
	}
	if strings.Count(out.String(), "\n") != 1 || strings.Contains(out.String(), "\x1b") {
		t.Errorf("a value forged the log: %q", out.String())
	}
}

func TestTraceIDsWithoutExporter(t *testing.T) {
	tel := newTelemetry(t, telemetry.Config{LogWriter: &bytes.Buffer{}})
	ctx, span := tel.Tracer.Start(t.Context(), "work")
	defer span.End()
	if span.IsRecording() {
		t.Error("nothing exports, so nothing should be recorded")
	}
	carried := tracing.Inject(ctx)
	if len(carried) != len(parent) {
		t.Fatalf("traceparent %q", carried)
	}
	if got := tracing.Inject(tracing.Extract(t.Context(), carried)); got != carried {
		t.Errorf("round trip: got %q, want %q", got, carried)
	}
}

func TestExportsToCollector(t *testing.T) {
	paths := make(chan string, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.Path }))
	defer collector.Close()
	tel := newTelemetry(t, telemetry.Config{OTLPEndpoint: collector.URL, SampleRatio: 1, LogWriter: &bytes.Buffer{}})
	_, span := tel.Tracer.Start(t.Context(), "work")
	span.End()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-paths; got != "/v1/traces" {
		t.Errorf("exported to %q", got)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestRuntimeMetricsOnlyWhenAsked(t *testing.T) {
	for _, asked := range []bool{false, true} {
		families, err := newTelemetry(t, telemetry.Config{RuntimeMetrics: asked}).Registry.Gather()
		if err != nil || strings.Contains(fmt.Sprint(families), "go_goroutines") != asked {
			t.Errorf("asked %v: %v, %v", asked, families, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, bad := range []telemetry.Config{
		{LogLevel: "loud"}, {Env: "prod"}, {Env: "Production"}, {LogFormat: "xml"}, {SampleRatio: 2}, {SampleRatio: math.NaN()}, {OTLPEndpoint: "nowhere"},
		{AccessLogDelay: -1}, {AccessLogDelay: time.Minute},
	} {
		if _, err := telemetry.New(t.Context(), bad); err == nil {
			t.Errorf("accepted %+v", bad)
		}
	}
}
