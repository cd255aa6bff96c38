package httpserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

// running is a server under test.
type running struct {
	*httpserver.Server
	tell  context.CancelFunc // to stop
	ended chan struct{}      // closed when Run has returned
	err   error              // what it returned
}

// stop tells the server to stop and waits for it.
func (r *running) stop() error {
	r.tell()
	<-r.ended
	return r.err
}

func start(t *testing.T, cfg httpserver.Config, h http.Handler, ready ...httpserver.Check) *running {
	t.Helper()
	return run(t, httpserver.New(cfg, h, telemetry.Nop(), ready...))
}

func run(t *testing.T, s *httpserver.Server) *running {
	t.Helper()
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Server: s, tell: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = s.Run(ctx)
	}()
	t.Cleanup(func() { _ = r.stop() })
	return r
}

func TestTakenPort(t *testing.T) {
	s := start(t, httpserver.Config{}, bindServer())
	err := httpserver.New(httpserver.Config{Addr: s.Addr()}, bindServer(), telemetry.Nop()).Listen()
	if err == nil || !strings.Contains(err.Error(), s.Addr()) {
		t.Errorf("got %v, want an error that names %s", err, s.Addr())
	}
}

func get(t *testing.T, client *http.Client, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestHealth(t *testing.T) {
	probe := errors.New("dial tcp 10.0.0.7: refused")
	s := start(t, httpserver.Config{}, bindServer(),
		httpserver.Check{Name: "prices", Probe: func(context.Context) error { return probe }})
	client, base := newClient(t), "http://"+s.Addr()
	if response, _ := get(t, client, base+"/livez"); response.StatusCode != 200 {
		t.Errorf("livez %d", response.StatusCode)
	}
	response, body := get(t, client, base+"/readyz")
	p := problemOf(t, response.StatusCode, response.Header, []byte(body))
	if response.StatusCode != 503 || p.fields() != "prices failing" || strings.Contains(body, "10.0.0.7") || response.Header.Get("Retry-After") == "" {
		t.Errorf("readyz %d %s", response.StatusCode, body)
	}
	probe = nil
	if response, _ := get(t, client, base+"/readyz"); response.StatusCode != 200 {
		t.Errorf("readyz %d", response.StatusCode)
	}
}

// While draining the server still serves, reports not ready, and asks for new
// connections elsewhere; then it waits for the request in hand.
func TestDrain(t *testing.T) {
	inside, release := make(chan struct{}), make(chan struct{})
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	r.GET("/slow", func(c *gin.Context) {
		close(inside)
		<-release
		c.String(200, "%v", c.Request.Context().Err())
	})
	r.GET("/fast", func(c *gin.Context) { c.Status(204) })
	s := start(t, httpserver.Config{DrainDelay: 500 * time.Millisecond}, r)
	client, base := newClient(t), "http://"+s.Addr()

	slow := dial(t, s.Addr())
	_, _ = io.WriteString(slow, "GET /slow HTTP/1.1\r\nHost: souk\r\n\r\n")
	<-inside
	s.tell()
	for { // until it has heard
		response, body := get(t, client, base+"/readyz")
		if response.StatusCode == 503 {
			if p := problemOf(t, 503, response.Header, []byte(body)); p.Code != "draining" || !response.Close {
				t.Errorf("draining: %s, close %v", body, response.Close)
			}
			break
		}
	}
	if response, _ := get(t, client, base+"/fast"); response.StatusCode != 204 || !response.Close {
		t.Errorf("draining: %d, close %v", response.StatusCode, response.Close)
	}
	for { // until it accepts no more
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	select {
	case <-s.ended:
		t.Fatalf("stopped with a request in hand: %v", s.err)
	default:
	}
	close(release)
	response, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "<nil>" {
		t.Errorf("the request in hand ended with %q", body)
	}
	if err := s.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

// Half a reply must not look like a whole one.
func TestPanicInAReplyCutsTheConnection(t *testing.T) {
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	r.GET("/half", func(c *gin.Context) {
		c.String(200, "half")
		panic("the other half")
	})
	conn := dial(t, start(t, httpserver.Config{}, r).Addr())
	_, _ = io.WriteString(conn, "GET /half HTTP/1.1\r\nHost: souk\r\n\r\n")
	if reply, err := io.ReadAll(conn); err != nil || len(reply) > 0 {
		t.Errorf("got %q, %v; want the connection closed", reply, err)
	}
}

func TestShutdownDoesNotWaitForEver(t *testing.T) {
	inside, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	r.GET("/stuck", func(*gin.Context) { close(inside); <-release })
	s := start(t, httpserver.Config{ShutdownTimeout: 10 * time.Millisecond}, r)
	conn := dial(t, s.Addr())
	_, _ = fmt.Fprintf(conn, "GET /stuck HTTP/1.1\r\nHost: souk\r\n\r\n")
	<-inside
	if err := s.stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a deadline", err)
	}
	if reply, _ := io.ReadAll(conn); len(reply) > 0 { // although its handler is still at it
		t.Errorf("served after the end: %q", reply)
	}
}

func TestAdmin(t *testing.T) {
	tel := telemetry.Nop()
	router := httpserver.NewRouter(httpserver.Config{}, tel)
	request(t, router, "GET", "/nowhere")
	s := run(t, httpserver.NewAdmin(httpserver.Config{}, tel))
	client, base := newClient(t), "http://"+s.Addr()
	if _, body := get(t, client, base+"/metrics"); !strings.Contains(body, `souk_http_requests_total{method="GET",route="unmatched",status="404"} 1`) {
		t.Errorf("metrics:\n%s", body)
	}
	if response, _ := get(t, client, base+"/debug/pprof/"); response.StatusCode != 200 {
		t.Errorf("pprof %d", response.StatusCode)
	}
	if response, _ := get(t, client, base+"/debug/pprof/cmdline"); response.StatusCode == 200 {
		t.Error("the command line is shown: it may hold secrets")
	}
}

func ExampleNewRouter() {
	type greeting struct {
		Name string `json:"name"`
	}
	cfg, tel := httpserver.Config{}, telemetry.Nop()
	router := httpserver.NewRouter(cfg, tel)
	router.POST("/v1/greetings", func(c *gin.Context) {
		body, err := httpserver.Bind[greeting](c)
		if err != nil {
			httpserver.Fail(c, err)
			return
		}
		c.JSON(http.StatusCreated, body)
	})
	server := httpserver.New(cfg, router, tel)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // a real program waits for a signal
	fmt.Println(server.Run(ctx))
	// Output: <nil>
}
