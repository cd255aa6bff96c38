package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A browser's trace holds every step of the order that it placed, in whichever
// service the step ran and whatever transaction it shared.
func TestAnOrderIsOneTrace(t *testing.T) {
	c := newCollector(t)
	s := ownSouk(t, "SOUK_OTLP_ENDPOINT="+c.url, "SOUK_TRACE_SAMPLE_RATIO=1", "SOUK_LOG_FORMAT=json", "OTEL_BSP_SCHEDULE_DELAY=200")
	buyer, built := richCustomers(t, s, 1)[0], runJSON[version](t, s, "version")
	for name, test := range map[string]struct {
		body  map[string]any
		steps []step
	}{
		"wallet": {buying("SKU-0001", 2), throughSaga},
		"card":   {buyingByCard("SKU-0001", "tok_ok"), slices.Concat(throughSaga, throughProvider)},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "card" && replicas() > 1 {
				t.Skip("the call may be made by a replica that does not know the trace")
			}
			browser := newBrowserSpan()
			o := buyer.settled(t, buyer.placeFrom(t, browser, test.body).ID, soon)
			if o.Status != "COMPLETED" {
				t.Fatalf("the order is %s %s", o.Status, o.Reason)
			}
			c.await(t, browser, o.ID, test.steps)
			for _, sp := range c.about(o.ID) {
				if sp.version != built.Revision {
					t.Errorf("%s is of version %s, not of %s", sp, sp.version, built.Revision)
				}
				if sp.trace != browser.trace && sp.name != "record words" { // the provider's webhook is a request of its own
					t.Errorf("%s is of trace %s, not of the browser's %s", sp, sp.trace, browser.trace)
				}
			}
			s.wantExemplar(t, "order", "souk_order_completion_seconds", browser.trace)
			s.wantLogged(t, "gateway", browser.trace)
			s.wantLogged(t, "order", browser.trace)
		})
	}
}

// step is a span that a trace must hold, and the one that must have begun it.
type step struct {
	service, name, event string // event is one that it is about, "" for any
	under                string // service and name of the parent
}

var throughSaga = []step{
	{service: "gateway", name: "POST /v1/orders", under: "browser"},
	{service: "gateway", name: "POST", under: "gateway POST /v1/orders"},
	{service: "order", name: "POST /v1/orders", under: "gateway POST"},
	{service: "order", name: "place orders", under: "order POST /v1/orders"},
	{service: "order", name: "publish souk.order.v1", event: "order.placed.v1", under: "order place orders"},
	{service: "inventory", name: "inbox inventory", event: "order.placed.v1", under: "order place orders"},
	{service: "inventory", name: "publish souk.inventory.v1", event: "inventory.reserved.v1", under: "inventory inbox inventory"},
	{service: "order", name: "inbox order", event: "inventory.reserved.v1", under: "inventory inbox inventory"},
	{service: "payment", name: "inbox payment", event: "order.payment_due.v1", under: "order inbox order"},
	{service: "payment", name: "publish souk.payment.v1", event: "payment.captured.v1", under: "payment inbox payment"},
	{service: "order", name: "inbox order", event: "payment.captured.v1", under: "payment inbox payment"},
	{service: "inventory", name: "inbox inventory", event: "order.paid.v1", under: "order inbox order"},
	{service: "points", name: "inbox points", event: "order.paid.v1", under: "order inbox order"},
	{service: "points", name: "publish souk.points.v1", event: "points.awarded.v1", under: "points inbox points"},
	{service: "order", name: "inbox order", event: "points.awarded.v1", under: "points inbox points"},
	{service: "order", name: "publish souk.order.v1", event: "order.completed.v1", under: "order inbox order"},
}

var throughProvider = []step{
	{service: "payment", name: "provider charge", under: "payment inbox payment"},
	{service: "payment", name: "POST", under: "payment provider charge"},
	{service: "psp", name: "POST /v1/charges", under: "payment POST"},
	{service: "payment", name: "record words", under: "payment inbox payment"},
}

// browserSpan is the span under which a page asks.
type browserSpan struct{ trace, id string }

func newBrowserSpan() browserSpan {
	var random [24]byte
	_, _ = rand.Read(random[:])
	return browserSpan{trace: hex.EncodeToString(random[:16]), id: hex.EncodeToString(random[16:])}
}

func (c *customer) placeFrom(t *testing.T, b browserSpan, body map[string]any) order {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, c.souk.url("/v1/orders"), bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"Authorization": {"Bearer " + c.token}, "Content-Type": {"application/json"}, "Idempotency-Key": {rand.Text()},
		"Traceparent": {"00-" + b.trace + "-" + b.id + "-01"},
	}
	r, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	r.expect(t, http.StatusCreated)
	return decodeOrder(t, r)
}

// wantLogged fails the test unless the service's log of the request has its trace.
func (s *souk) wantLogged(t *testing.T, service, trace string) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(s.home, "log", service+"*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no log of %s: %v", service, err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, `"msg":"request"`) && strings.Contains(line, `"trace_id":"`+trace+`"`) {
				return
			}
		}
	}
	t.Errorf("no request of trace %s in the log of %s", trace, service)
}

// version is what the command was built from.
type version struct {
	Revision string `json:"revision"`
	Go       string `json:"go"`
}

func TestServicesSayWhatTheyWereBuiltFrom(t *testing.T) {
	built := runJSON[version](t, shared, "version")
	want := fmt.Sprintf("souk_build_info{go=%q,revision=%q} 1", built.Go, built.Revision)
	for _, service := range shared.services(t) {
		if text := openMetrics(t, service); !strings.Contains(text, want) {
			t.Errorf("%s does not say %s", service.Name, want)
		}
	}
}

// wantExemplar fails the test unless a bucket of a service's histogram shows
// the trace.
func (s *souk) wantExemplar(t *testing.T, service, histogram, trace string) {
	t.Helper()
	bucket := regexp.MustCompile(`(?m)^` + histogram + `_bucket\{.* # \{trace_id="` + trace + `"\}`)
	for _, replica := range s.services(t) {
		if replica.Name == service && bucket.MatchString(openMetrics(t, replica)) {
			return
		}
	}
	t.Errorf("no bucket of %s has trace %s", histogram, trace)
}

// openMetrics are a replica's metrics in the format that has exemplars.
func openMetrics(t *testing.T, s serviceStatus) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.AdminURL+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	r, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	r.expect(t, http.StatusOK)
	return string(r.body)
}
