package httpserver_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

// full is a listener of a process without room for the first two connections.
type full struct {
	net.Listener
	asked int
}

func (f *full) Accept() (net.Conn, error) {
	f.asked++
	if f.asked <= 2 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return nil, net.ErrClosed
}

func TestAFullProcessGoesOnAccepting(t *testing.T) {
	f := &full{}
	if _, err := httpserver.Accepting(f).Accept(); !errors.Is(err, net.ErrClosed) || f.asked != 3 {
		t.Errorf("asked %d times, %v", f.asked, err)
	}
}

// talk sends text to a server of r and returns all that comes back until the
// server ends the connection.
func talk(t *testing.T, cfg httpserver.Config, r *gin.Engine, text string) string {
	t.Helper()
	conn := dial(t, start(t, cfg, r).Addr())
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	replies, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("after %q: %v", replies, err)
	}
	return string(replies)
}

// echo answers with what the handler sees.
func echo() *gin.Engine {
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	show := func(c *gin.Context) {
		names := ""
		for _, name := range []string{"X-User-Id", "X-Twice", "Content-Type", "Transfer-Encoding", "Host"} {
			names += " " + strings.Join(c.Request.Header[name], ",")
		}
		c.String(200, "%s %s%s", c.Request.Host, c.Request.Proto, names)
	}
	r.GET("/", show)
	r.POST("/", show)
	r.GET("/panic", func(*gin.Context) { panic(http.ErrAbortHandler) })
	return r
}

func TestWhatAHandlerSees(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"plain":             {"GET / HTTP/1.1\r\nhost: souk:80\r\nx-twice: a\r\nX-TWICE:  b \r\nConnection: close\r\n\r\n", "souk:80 HTTP/1.1  a,b   "},
		"an old client":     {"GET / HTTP/1.0\r\nHost: souk\r\n\r\n", "souk HTTP/1.0     "},
		"the target's host": {"GET http://shop/ HTTP/1.1\r\nHost: souk\r\nConnection: close\r\n\r\n", "shop HTTP/1.1     "},
		"trailers are no headers": {"POST / HTTP/1.1\r\nHost: souk\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-User-Id: 7\r\n\r\n",
			"souk HTTP/1.1     "},
	}
	for name, tt := range tests {
		if got := talk(t, httpserver.Config{}, echo(), tt.text); !strings.HasSuffix(got, "\r\n\r\n"+tt.want) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestTheLastRequestOfAConnection(t *testing.T) {
	const then = "GET /smuggled HTTP/1.1\r\nHost: souk\r\n\r\n"
	const chunked = "POST / HTTP/1.1\r\nHost: souk\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
	for _, text := range []string{
		chunked + "\r\n0\r\n\r\n",
		chunked + "\r\n1\r\nx\r\n0\r\n\r\n",
		chunked + "\r\n0\r\nX-A: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: souk\r\nConnection: Close\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: souk\r\nConnection: TE, close\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: souk\r\nConnection: close\r\nConnection: TE\r\n\r\n",
	} {
		got := talk(t, httpserver.Config{}, echo(), text+then)
		if strings.Count(got, "HTTP/1.1 200") != 1 || strings.Count(got, "\r\nDate:") != 1 || !strings.Contains(got, "Connection: close") {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

// What was done is answered, though what comes after it is cut.
func TestAPipelinedReplyOutlivesTheCut(t *testing.T) {
	got := talk(t, httpserver.Config{}, echo(), "POST / HTTP/1.1\r\nHost: souk\r\n\r\nGET /panic HTTP/1.1\r\nHost: souk\r\n\r\n")
	if strings.Count(got, "\r\nDate:") != 1 || !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("got %q", got)
	}
}

// A reply has its own time, however old the one before it is; a request that the
// router never sees has an id all the same, and is counted.
func TestARefusalAfterAReply(t *testing.T) {
	tel := telemetry.Nop()
	r := httpserver.NewRouter(httpserver.Config{}, tel)
	r.POST("/", func(c *gin.Context) { c.Status(204) })
	s := run(t, httpserver.New(httpserver.Config{ReadTimeout: 300 * time.Millisecond, WriteTimeout: 100 * time.Millisecond}, r, tel))
	conn := dial(t, s.Addr())
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: souk\r\n\r\n")
	reader := bufio.NewReader(conn)
	if response, err := http.ReadResponse(reader, nil); err != nil || response.StatusCode != 204 {
		t.Fatal(response, err)
	}
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: souk\r\nContent-Length: 2\r\n\r\n{")
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 408 || response.Header.Get("X-Request-Id") == "" {
		t.Errorf("got %d %v", response.StatusCode, response.Header)
	}
	const want = "# HELP souk_http_refused_total Requests that could not be read, by status: too large, too late, or not HTTP.\n" +
		"# TYPE souk_http_refused_total counter\nsouk_http_refused_total{status=\"408\"} 1\n"
	if err := testutil.GatherAndCompare(tel.Registry, strings.NewReader(want), "souk_http_refused_total"); err != nil {
		t.Error(err)
	}
}

func TestNothingIsSaidToWhoSaysNothing(t *testing.T) {
	conn := dial(t, start(t, httpserver.Config{HeaderTimeout: 50 * time.Millisecond}, echo()).Addr())
	if said, err := io.ReadAll(conn); err != nil || len(said) > 0 {
		t.Errorf("got %q, %v", said, err)
	}
}

// Who announces too much is refused before it is sent.
func TestExpectTooMuch(t *testing.T) {
	got := talk(t, httpserver.Config{}, echo(), "POST / HTTP/1.1\r\nHost: souk\r\nExpect: 100-continue\r\nX-Request-Id: mine\r\nContent-Length: 70000\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 413") || strings.Count(got, "HTTP/1.1") != 1 || !strings.Contains(got, "body_too_large") || strings.Count(got, "mine") != 2 {
		t.Errorf("got %q", got)
	}
}
