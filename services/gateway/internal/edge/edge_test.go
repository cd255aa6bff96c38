package edge_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/edge"
)

func service(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// refused is an address at which nobody listens.
func refused(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestARequestArrivesAsItWasSent(t *testing.T) {
	var got *http.Request
	var body string
	g := open(t, httpserver.Config{}, service(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		w.Header().Set("Location", "/v1/orders/1")
		w.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id"))
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"id":"1"}`))
	}))
	h := g.bearer()
	h.Set("Idempotency-Key", "k")
	h.Set("X-Request-Id", "mine")
	h.Add("X-Request-Id", "and another")
	h.Set("X-User-Id", "1")
	h.Set("X-User-Role", "admin")
	h.Set("X-Forwarded-For", "6.6.6.6")
	resp, reply := g.do("POST", "/v1/orders?x=1", h, `{"a":1}`)
	if resp.StatusCode != 201 || reply != `{"id":"1"}` || resp.Header.Get("Location") != "/v1/orders/1" {
		t.Errorf("reply %d %s", resp.StatusCode, reply)
	}
	if ids := resp.Header.Values("X-Request-Id"); len(ids) != 1 || ids[0] != "mine" {
		t.Errorf("request ids %v", ids)
	}
	if got.URL.String() != "/v1/orders?x=1" || body != `{"a":1}` || got.Header.Get("Idempotency-Key") != "k" || got.Header.Get("Authorization") == "" {
		t.Errorf("the service got %s %v %s", got.URL, got.Header, body)
	}
	if ids := got.Header.Values("X-Request-Id"); len(ids) != 1 || ids[0] != "mine" {
		t.Errorf("the service got request ids %v", ids)
	}
	if from := got.Header.Values("X-Forwarded-For"); len(from) != 1 || from[0] != "127.0.0.1" || got.Header["Content-Type"] != nil {
		t.Errorf("from %v, content type %v", from, got.Header["Content-Type"])
	}
	if got.Header.Get("X-User-Id") != "" || got.Header.Get("X-User-Role") != "" || strings.Contains(got.Header.Get("X-Forwarded-For"), "6.6.6.6") {
		t.Errorf("identity from outside passed: %v", got.Header)
	}
}

func TestOnlyTokensPass(t *testing.T) {
	var reached atomic.Int32
	g := open(t, httpserver.Config{}, service(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	for name, h := range map[string]http.Header{
		"none": nil, "garbage": {"Authorization": {"Bearer x.y.z"}}, "two": {"Authorization": {"Bearer " + g.token, "Bearer " + g.token}},
	} {
		if resp, body := g.do("GET", "/v1/orders", h, ""); resp.StatusCode != 401 {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
	if reached.Load() != 0 {
		t.Error("a request without a good token reached the service")
	}
	for _, path := range []string{"/v1/products", "/v1/products/TEA"} {
		if resp, body := g.do("GET", path, nil, ""); resp.StatusCode != 200 {
			t.Errorf("public %s: %d %s", path, resp.StatusCode, body)
		}
	}
}

func TestOnlyKnownRoutesExist(t *testing.T) {
	g := open(t, httpserver.Config{}, service(t, func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	for _, path := range []string{"/", "/metrics", "/debug/pprof/", "/v1/orders/1/2", "//v1/orders", "/v1/orders/", "/v1/%2e%2e/livez"} {
		resp, body := g.do("GET", path, g.bearer(), "")
		if resp.StatusCode != 404 && resp.StatusCode != 400 || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

func TestADeadReplicaCostsNothing(t *testing.T) {
	var bodies atomic.Int32
	alive := service(t, func(w http.ResponseWriter, r *http.Request) {
		if b, _ := io.ReadAll(r.Body); string(b) == "{}" {
			bodies.Add(1)
		}
	})
	g := open(t, httpserver.Config{}, refused(t), alive, refused(t))
	for range 20 {
		if resp, body := g.do("POST", "/v1/orders", g.bearer(), "{}"); resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	if bodies.Load() != 20 {
		t.Errorf("%d of 20 bodies arrived whole", bodies.Load())
	}
}

func TestAServiceThatIsDown(t *testing.T) {
	g := open(t, httpserver.Config{}, refused(t))
	resp, body := g.do("GET", "/v1/products", nil, "")
	if resp.StatusCode != 503 || code(body) != "upstream_unavailable" || resp.Header.Get("Retry-After") == "" || strings.Contains(body, "127.0.0.1") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// A request that was sent is never sent again: its effect may stand.
func TestALostConnectionIsNotRepeated(t *testing.T) {
	var calls atomic.Int32
	drop := func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	}
	g := open(t, httpserver.Config{}, service(t, drop), service(t, drop))
	resp, body := g.do("POST", "/v1/orders", g.bearer(), "{}")
	if resp.StatusCode != 504 || code(body) != "outcome_unknown" || calls.Load() != 1 {
		t.Errorf("%d %s after %d calls", resp.StatusCode, body, calls.Load())
	}
}

func TestALostConnectionIsRepeatedElsewhereWithAKey(t *testing.T) {
	var lost, answered atomic.Int32
	drop := service(t, func(w http.ResponseWriter, _ *http.Request) {
		lost.Add(1)
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	})
	answer := service(t, func(w http.ResponseWriter, r *http.Request) {
		answered.Add(1)
		if b, _ := io.ReadAll(r.Body); r.Header.Get("Idempotency-Key") != "k" || string(b) != "{}" {
			t.Errorf("key %q, body %q", r.Header.Get("Idempotency-Key"), b)
		}
	})
	for name, c := range map[string]struct {
		replicas                   []string
		status, answered, mostLost int32
	}{
		"another answers":        {[]string{drop, answer}, 200, 10, 10},
		"nobody answers":         {[]string{drop, drop, drop}, 504, 0, 20},
		"the other is down":      {[]string{drop, refused(t)}, 504, 0, 10},
		"the other two are down": {[]string{refused(t), drop, refused(t)}, 504, 0, 10},
	} {
		t.Run(name, func(t *testing.T) {
			lost.Store(0)
			answered.Store(0)
			g := open(t, httpserver.Config{}, c.replicas...)
			header := g.bearer()
			header.Set("Idempotency-Key", "k")
			for range 10 {
				if resp, body := g.do("POST", "/v1/orders", header, "{}"); resp.StatusCode != int(c.status) || c.status == 504 && code(body) != "outcome_unknown" {
					t.Errorf("%d %s", resp.StatusCode, body)
				}
			}
			if answered.Load() != c.answered || lost.Load() == 0 || lost.Load() > c.mostLost {
				t.Errorf("%d answered, %d lost", answered.Load(), lost.Load())
			}
		})
	}
}

func TestASlowServiceTimesOut(t *testing.T) {
	release := make(chan struct{})
	slow := service(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	g := open(t, httpserver.Config{RequestTimeout: 50 * time.Millisecond}, slow)
	resp, body := g.do("GET", "/v1/products", nil, "")
	if resp.StatusCode != 504 || code(body) != "upstream_timeout" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestABodyTooLargeStopsAtTheEdge(t *testing.T) {
	g := open(t, httpserver.Config{}, service(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	resp, body := g.do("POST", "/v1/orders", g.bearer(), strings.Repeat("x", 64<<10+1))
	if resp.StatusCode != 413 || code(body) != "body_too_large" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestUpstreamsMustBeAddresses(t *testing.T) {
	for _, urls := range [][]string{nil, {"127.0.0.1:80"}, {"https://h:1"}, {"http://h:1/path"}} {
		if _, err := edge.NewProxy(urls); err == nil {
			t.Errorf("%v was taken", urls)
		}
	}
}

func TestAnAdministratorKeepsHisOwnAddress(t *testing.T) {
	g := open(t, httpserver.Config{}, service(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }))
	for _, own := range []string{"127.0.0.1", "::ffff:127.0.0.1"} {
		resp, body := g.do("PUT", "/v1/admin/blocks/address:"+own, g.bearer(), `{"reason":"r"}`)
		if resp.StatusCode != 422 || code(body) != "invalid_subject" {
			t.Errorf("%s: %d %s", own, resp.StatusCode, body)
		}
	}
	if resp, body := g.do("PUT", "/v1/admin/blocks/address:192.0.2.1", g.bearer(), `{"reason":"r"}`); resp.StatusCode != 200 || body != "/v1/admin/blocks/address:192.0.2.1" {
		t.Errorf("another's: %d %s", resp.StatusCode, body)
	}
}

func BenchmarkProxy(b *testing.B) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }))
	defer up.Close()
	proxy, err := edge.NewProxy([]string{up.URL})
	if err != nil {
		b.Fatal(err)
	}
	router := httpserver.NewRouter(httpserver.Config{AccessLog: "off"}, telemetry.Nop())
	router.GET("/v1/products", proxy.Handle)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequest("GET", "/v1/products", nil))
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
