package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/httpserver"
)

// The goroutine that closes unused connections ends a minute after the last.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// send writes bytes to the edge and reads the head of its reply.
func send(t *testing.T, url, text string) *http.Response {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	go func() { _, _ = io.WriteString(conn, text) }() // the edge may stop reading half way
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	return resp
}

func whole(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return string(text)
}

func TestChunkedBodyTooLargeStopsAtTheEdge(t *testing.T) {
	g := open(t, httpserver.Config{}, service(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 4096, strings.Repeat(" ", 4096))
	resp := send(t, g.url, "POST /v1/orders HTTP/1.1\r\nHost: souk\r\nAuthorization: Bearer "+g.token+
		"\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat(chunk, 20))
	if body := whole(t, resp); resp.StatusCode != 413 || code(body) != "body_too_large" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// A client that stops half way through its body is at fault, not the service.
func TestABodyThatStopsComing(t *testing.T) {
	g := open(t, httpserver.Config{ReadTimeout: 200 * time.Millisecond},
		service(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	resp := send(t, g.url, "POST /v1/orders HTTP/1.1\r\nHost: souk\r\nAuthorization: Bearer "+g.token+
		"\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
	if body := whole(t, resp); resp.StatusCode != 408 || code(body) != "request_timeout" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestHopByHopHeadersEndAtTheEdge(t *testing.T) {
	var got http.Header
	g := open(t, httpserver.Config{}, service(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		w.Header().Set("Connection", "X-Internal")
		w.Header().Set("X-Internal", "secret")
		w.Header().Set("Keep-Alive", "timeout=5")
	}))
	resp, _ := g.do("GET", "/v1/products", http.Header{
		"Connection": {"X-Hop"}, "X-Hop": {"1"}, "Te": {"gzip"}, "Proxy-Authorization": {"x"},
		"Forwarded": {"for=6.6.6.6"}, "X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Port": {"6"}, "X-Http-Method-Override": {"DELETE"},
		"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01"},
	}, "")
	for _, name := range []string{"X-Hop", "Te", "Proxy-Authorization", "Forwarded", "X-Forwarded-Port", "X-Http-Method-Override"} {
		if got.Get(name) != "" {
			t.Errorf("%s passed: %v", name, got[name])
		}
	}
	if got.Get("X-Forwarded-Host") == "evil.example" || got.Get("Accept-Encoding") == "" {
		t.Errorf("the service got %v", got)
	}
	if parents := got["Traceparent"]; len(parents) != 1 || !strings.HasPrefix(parents[0], "00-4bf92f3577b34da6a3ce929d0e0e4736-") {
		t.Errorf("traceparent %q", parents)
	}
	if resp.Header.Get("X-Internal") != "" || resp.Header.Get("Keep-Alive") != "" {
		t.Errorf("hop-by-hop reply headers passed: %v", resp.Header)
	}
}

// Half a reply must not look like a whole one.
func TestAServiceThatDiesInItsReply(t *testing.T) {
	g := open(t, httpserver.Config{}, service(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	if resp, err := http.Get(g.url + "/v1/products"); err == nil {
		t.Errorf("the client took %q for the whole reply", whole(t, resp))
	}
}

// A client that asks first whether to send its body is told by the edge, and
// gets every header of the reply all the same.
func TestExpectContinue(t *testing.T) {
	g := open(t, httpserver.Config{}, service(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "" {
			t.Error("the service is asked too")
		}
		_, _ = io.Copy(w, r.Body)
	}))
	head := "POST /v1/sessions HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(g.url, "http://"))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, head)
	must(t, err)
	reader := bufio.NewReader(conn)
	asked, err := http.ReadResponse(reader, nil)
	must(t, err)
	if asked.StatusCode != http.StatusContinue {
		t.Fatalf("the edge says %s", asked.Status)
	}
	_, err = io.WriteString(conn, "{}")
	must(t, err)
	resp, err := http.ReadResponse(reader, nil)
	must(t, err)
	if body := whole(t, resp); resp.StatusCode != http.StatusOK || body != "{}" || resp.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s %q, request id %q", resp.Status, body, resp.Header.Get("X-Request-Id"))
	}
}
