package e2e

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes traces by OTLP over HTTP and keeps their spans.
type collector struct {
	url   string
	mu    sync.Mutex
	spans []span
	errs  []error
}

// span is what the tests look at of one.
type span struct {
	service, version  string
	name              string
	trace, id, parent string
	subjects, events  []string
}

func (s span) String() string { return strings.TrimSpace(s.service + " " + s.name) }

func newCollector(t *testing.T) *collector {
	c := &collector{}
	server := httptest.NewServer(http.HandlerFunc(c.take))
	c.url = server.URL
	t.Cleanup(func() { // after the souk's end, which was told of later
		server.Close()
		for _, err := range c.errs {
			t.Error(err)
		}
	})
	return c
}

func (c *collector) take(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var export collectorv1.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &export)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("%s: %w", r.URL, err))
	}
	for _, of := range export.GetResourceSpans() {
		resource := of.GetResource().GetAttributes()
		service := span{service: strings.Join(texts(resource, "service.name"), ""), version: strings.Join(texts(resource, "service.version"), "")}
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, service.with(s))
			}
		}
	}
}

// with makes a span of what is known of its service.
func (of span) with(s *tracev1.Span) span {
	return span{
		service: of.service, version: of.version, name: s.GetName(),
		trace: hex.EncodeToString(s.GetTraceId()), id: hex.EncodeToString(s.GetSpanId()), parent: hex.EncodeToString(s.GetParentSpanId()),
		subjects: texts(s.GetAttributes(), "souk.subject"), events: texts(s.GetAttributes(), "souk.event"),
	}
}

// texts are the one or many values of an attribute.
func texts(attributes []*commonv1.KeyValue, key string) (values []string) {
	for _, kv := range attributes {
		if kv.GetKey() != key {
			continue
		}
		for _, v := range append(kv.GetValue().GetArrayValue().GetValues(), kv.GetValue()) {
			if text := v.GetStringValue(); text != "" {
				values = append(values, text)
			}
		}
	}
	return values
}

// about are the spans that name an order.
func (c *collector) about(order string) (found []span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if slices.Contains(s.subjects, order) && !strings.HasSuffix(s.name, " batch") {
			found = append(found, s)
		}
	}
	return found
}

// await waits until the browser's trace holds the steps.
func (c *collector) await(t *testing.T, b browserSpan, order string, steps []step) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("missing: %+v in\n%s", c.missing(b, order, steps), c.tree(b.trace))
		}
	}()
	eventually(t, patience, "every step to be exported", func() bool { return len(c.missing(b, order, steps)) == 0 })
}

// missing are the steps that the browser's trace does not hold.
func (c *collector) missing(b browserSpan, order string, steps []step) (missing []step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	byID := map[string]string{b.id: "browser"}
	for _, s := range c.spans {
		if s.trace == b.trace {
			byID[s.id] = s.String()
		}
	}
	for _, want := range steps {
		if !slices.ContainsFunc(c.spans, func(s span) bool {
			return s.trace == b.trace && s.service == want.service && s.name == want.name && byID[s.parent] == want.under &&
				(want.event == "" || slices.Contains(s.events, want.event) && slices.Contains(s.subjects, order))
		}) {
			missing = append(missing, want)
		}
	}
	return missing
}

// tree prints a trace, for who has to find out what is wrong with it.
func (c *collector) tree(trace string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var text strings.Builder
	for _, s := range c.spans {
		if s.trace == trace {
			fmt.Fprintf(&text, "%s < %s: %s %v %v\n", s.id, s.parent, s, s.subjects, s.events)
		}
	}
	return text.String()
}
