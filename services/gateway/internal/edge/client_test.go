package edge_test

import (
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

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/tracing"
	"souk.example/services/gateway/internal/edge"
)

// counted is a service that counts its connections, and tells of each that ends.
func counted(t *testing.T, h http.HandlerFunc) (server *httptest.Server, came *atomic.Int32, ended <-chan struct{}) {
	came = new(atomic.Int32)
	end := make(chan struct{}, 16)
	server = httptest.NewUnstartedServer(h)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			came.Add(1)
		}
		if state == http.StateClosed {
			end <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server, came, end
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	server, came, _ := counted(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	g := open(t, httpserver.Config{}, server.URL)
	for range 10 {
		if resp, body := g.do("POST", "/v1/orders", g.bearer(), "{}"); resp.StatusCode != 200 || body != "{}" {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	if came.Load() != 1 {
		t.Errorf("%d connections for ten requests in a row", came.Load())
	}
}

// A service that has closed what was idle has not been sent anything: with twelve
// such connections, more than fasthttp tries by default, a request without a key
// is answered all the same, and arrives once.
func TestConnectionsThatTheServiceClosedAreNotUsed(t *testing.T) {
	const clients = 12
	var inHand sync.WaitGroup
	var alone atomic.Int32
	server, came, ended := counted(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/products" {
			inHand.Done()
			inHand.Wait() // each on a connection of its own
			return
		}
		alone.Add(1)
	})
	g := open(t, httpserver.Config{}, server.URL)
	inHand.Add(clients)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() { g.do("GET", "/v1/products", nil, "") })
	}
	all.Wait()
	server.CloseClientConnections()
	for range clients {
		<-ended
	}
	resp, body := g.do("POST", "/v1/orders", g.bearer(), "{}")
	if resp.StatusCode != 200 || alone.Load() != 1 || came.Load() != clients+1 {
		t.Errorf("%d %s, %d arrived, %d connections", resp.StatusCode, body, alone.Load(), came.Load())
	}
}

// ways are how a service can end a connection on which a request has come.
var ways = map[string]func(net.Conn){
	"closed":                func(c net.Conn) { _ = c.Close() },
	"reset":                 func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
	"closed in its head":    func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 201 Cre"); _ = c.Close() },
	"closed after rubbish":  func(c net.Conn) { _, _ = io.WriteString(c, "\x00\r\n\r\n"); _ = c.Close() },
	"closed after interims": func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 103 \r\n\r\n"); _ = c.Close() },
}

// Whatever its method, on a new connection or one from before: what may have been
// carried out is not sent twice, unless it has a key by which the service goes; then
// once more, to the same service where there is no other.
func TestAConnectionThatIsClosedUnderARequest(t *testing.T) {
	routes := map[string]string{"POST": "/v1/orders", "PUT": "/v1/admin/blocks/address:192.0.2.1", "PATCH": "/v1/me", "DELETE": "/v1/sessions/1"}
	for way, end := range ways {
		for method, path := range routes {
			for _, before := range []int32{0, 1} {
				t.Run(fmt.Sprintf("%s/%s/after %d", way, method, before), func(t *testing.T) {
					g, calls := closing(t, end, before)
					for range before {
						g.do(method, path, g.bearer(), "{}")
					}
					resp, body := g.do(method, path, g.bearer(), "{}")
					if resp.StatusCode != 504 || code(body) != "outcome_unknown" || calls.Load() != before+1 {
						t.Errorf("%d %s after %d calls", resp.StatusCode, body, calls.Load())
					}
					header := g.bearer()
					header.Set("Idempotency-Key", "k")
					calls.Store(before)
					status, sent := 504, before+1
					if method == "POST" {
						status, sent = 200, before+2
					}
					if resp, body := g.do(method, path, header, "{}"); resp.StatusCode != status || calls.Load() != sent {
						t.Errorf("with a key %d %s after %d calls", resp.StatusCode, body, calls.Load())
					}
				})
			}
		}
	}
}

// closing is an edge in front of a service that ends the connection under the
// request after the first so many, and counts.
func closing(t *testing.T, end func(net.Conn), before int32) (*gate, *atomic.Int32) {
	var calls atomic.Int32
	return open(t, httpserver.Config{}, service(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1) == before+1 {
			conn, _, _ := w.(http.Hijacker).Hijack()
			end(conn)
		}
	})), &calls
}

func TestASlowServiceIsAskedOnce(t *testing.T) {
	var calls atomic.Int32
	release := make(chan struct{})
	g := open(t, httpserver.Config{RequestTimeout: 50 * time.Millisecond}, service(t, func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		<-release
	}))
	defer close(release)
	header, began := g.bearer(), time.Now()
	header.Set("Idempotency-Key", "k")
	resp, body := g.do("POST", "/v1/orders", header, "{}")
	if resp.StatusCode != 504 || code(body) != "outcome_unknown" || calls.Load() != 1 || time.Since(began) > 10*time.Second {
		t.Errorf("%d %s after %d calls and %v", resp.StatusCode, body, calls.Load(), time.Since(began))
	}
}

// What a client asks for arrives letter by letter, whatever a library may make of
// it, and its host is a header only.
func TestTheAddressArrivesAsItWasSent(t *testing.T) {
	var got *http.Request
	g := open(t, httpserver.Config{}, service(t, func(_ http.ResponseWriter, r *http.Request) { got = r }))
	for _, target := range []string{
		"/v1/products?query=http://evil.example//x&limit=1", "/v1/products?query=a#b", "/v1/products?query=%2e%2E/a%20b+c%23", "/v1/products/TEA%20%3F%23%C3%A4+$&,:=@",
	} {
		for _, host := range []string{"souk", "souk:bad", "user:secret@souk", "[::1"} {
			resp := send(t, g.url, "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\nUser-Agent:\r\n\r\n")
			_ = whole(t, resp)
			if resp.StatusCode == 400 && got == nil {
				continue // the server itself takes no such host
			}
			if resp.StatusCode != 200 || got.RequestURI != target || got.Host != host || got.Header.Get("Authorization") != "" || got.UserAgent() != "" {
				t.Errorf("%s of %s: %s, arrives as %s of %s %v", target, host, resp.Status, got.RequestURI, got.Host, got.Header)
			}
			got = nil
		}
	}
}

func TestUnusedConnectionsAreClosed(t *testing.T) {
	server, came, ended := counted(t, func(http.ResponseWriter, *http.Request) {})
	synctest.Test(t, func(t *testing.T) {
		proxy, err := edge.NewProxy([]string{server.URL})
		must(t, err)
		handle(t, t.Context(), proxy)
		time.Sleep(59 * time.Second)
		if handle(t, t.Context(), proxy); came.Load() != 1 {
			t.Errorf("%d connections", came.Load())
		}
		time.Sleep(74 * time.Second) // less than the services' patience
	})
	<-ended
}

// What a request had left of its time is not what its connection has.
func TestAConnectionOutlivesADeadline(t *testing.T) {
	server, came, _ := counted(t, func(http.ResponseWriter, *http.Request) {})
	proxy, err := edge.NewProxy([]string{server.URL})
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	handle(t, ctx, proxy)
	<-ctx.Done()
	if handle(t, t.Context(), proxy); came.Load() != 1 {
		t.Errorf("%d connections for two requests", came.Load())
	}
}

// handle sends a request of ctx through proxy, without a router before it.
func handle(t *testing.T, ctx context.Context, proxy *edge.Proxy) {
	t.Helper()
	w := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(w)
	c.Request = httptest.NewRequestWithContext(ctx, "GET", "/v1/products", nil)
	if proxy.Handle(c); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Within a recorded span each attempt has one, and the service is told of its own.
func TestEachAttemptHasASpan(t *testing.T) {
	var heard string
	proxy, err := edge.NewProxy([]string{service(t, func(_ http.ResponseWriter, r *http.Request) { heard = r.Header.Get("Traceparent") }), refused(t)})
	must(t, err)
	spans := tracetest.NewSpanRecorder()
	ctx, request := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test").Start(t.Context(), "request")
	handle(t, ctx, proxy) // the one that is down comes first
	attempts := spans.Ended()
	if len(attempts) != 2 || attempts[0].Status().Code != codes.Error || attempts[1].Status().Code != codes.Unset {
		t.Fatalf("attempts %v", attempts)
	}
	answered := tracing.Inject(trace.ContextWithSpanContext(t.Context(), attempts[1].SpanContext()))
	if heard != answered || attempts[1].Parent().SpanID() != request.SpanContext().SpanID() {
		t.Errorf("the service hears %s of %s", heard, answered)
	}
}

// A key on a route whose service knows none must not have the request sent again:
// a refresh token is good once, and an address would be kept twice.
func TestAKeyThatNobodyGoesByIsNoKey(t *testing.T) {
	for _, path := range []string{"/v1/users", "/v1/sessions", "/v1/sessions/refresh", "/v1/addresses", "/v1/admin/products", "/v1/orders/1/cancel"} {
		g, calls := closing(t, ways["closed"], 0)
		header := g.bearer()
		header.Set("Idempotency-Key", "k")
		resp, body := g.do("POST", path, header, "{}")
		if resp.StatusCode != 504 || calls.Load() != 1 || strings.Contains(body, "Idempotency-Key") {
			t.Errorf("%s: %d %s after %d calls", path, resp.StatusCode, body, calls.Load())
		}
	}
}
