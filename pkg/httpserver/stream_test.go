package httpserver_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

// streaming is a router with one stream.
func streaming(cfg httpserver.Config, send func(context.Context, http.ResponseWriter)) *gin.Engine {
	r := httpserver.NewRouter(cfg, telemetry.Nop())
	r.GET("/stream", func(c *gin.Context) { httpserver.Stream(c, http.StatusOK, send) })
	r.GET("/plain", func(c *gin.Context) { c.String(http.StatusOK, "plain") })
	return r
}

func TestAStreamIsHeardPieceByPiece(t *testing.T) {
	next := make(chan string)
	s := start(t, httpserver.Config{}, streaming(httpserver.Config{}, func(ctx context.Context, w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/event-stream")
		for text := range next {
			_, _ = io.WriteString(w, text)
		}
		_, _ = io.WriteString(w, httpserver.RequestIDFrom(ctx))
	}))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+"/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Request-Id", "mine")
	go func() { next <- "one\n" }()
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 200 || response.ContentLength != -1 || response.Header.Get("X-Request-Id") != "mine" || !response.Close {
		t.Errorf("%+v", response)
	}
	lines := bufio.NewReader(response.Body)
	for _, want := range []string{"one\n", "two\n"} {
		if line, err := lines.ReadString('\n'); line != want {
			t.Fatalf("%q, %v, want %q", line, err, want)
		}
		if want == "one\n" {
			next <- "two\n"
		}
	}
	close(next)
	if rest, err := io.ReadAll(lines); string(rest) != "mine" || err != nil {
		t.Errorf("the end is %q, %v", rest, err)
	}
}

// Neither the request's deadline nor who follows on the connection ends a stream.
func TestAStreamOutlivesItsRequest(t *testing.T) {
	cfg := httpserver.Config{RequestTimeout: time.Nanosecond}
	r := streaming(cfg, func(ctx context.Context, w http.ResponseWriter) {
		conn, rest, _ := w.(http.Hijacker).Hijack()
		said, _ := rest.ReadString('\n')
		_, _ = io.WriteString(conn, said)
		if ctx.Err() != nil {
			_, _ = io.WriteString(conn, "over")
		}
	})
	// The word comes with the request, in one piece.
	if got := talk(t, cfg, r, "GET /stream HTTP/1.1\r\nHost: souk\r\n\r\nword\n"); got != "word\n" {
		t.Errorf("heard %q", got)
	}
}

func TestAShutdownEndsStreamsAndWaitsForThem(t *testing.T) {
	begun := make(chan struct{})
	s := start(t, httpserver.Config{}, streaming(httpserver.Config{}, func(ctx context.Context, w http.ResponseWriter) {
		_, _ = io.WriteString(w, "hello ")
		close(begun)
		<-ctx.Done()
		_, _ = io.WriteString(w, "bye")
	}))
	conn := dial(t, s.Addr())
	if _, err := io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: souk\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if text, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(text), "hello bye") {
		t.Errorf("%q, %v", text, err)
	}
}

// A stream that does not end is cut with the rest when the shutdown's time is up.
func TestAStreamThatStaysIsCut(t *testing.T) {
	read := make(chan error, 1)
	begun := make(chan struct{})
	s := start(t, httpserver.Config{ShutdownTimeout: 200 * time.Millisecond}, streaming(httpserver.Config{}, func(_ context.Context, w http.ResponseWriter) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		close(begun)
		_, err := conn.Read(make([]byte, 1))
		read <- err
	}))
	conn := dial(t, s.Addr())
	if _, err := io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: souk\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-begun
	_ = s.stop()
	if err := <-read; err == nil {
		t.Error("the connection stands")
	}
}

func TestAStreamThatPanicsEndsAlone(t *testing.T) {
	r := streaming(httpserver.Config{}, func(context.Context, http.ResponseWriter) { panic("no") })
	s := start(t, httpserver.Config{}, r)
	conn := dial(t, s.Addr())
	if _, err := io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: souk\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(conn); len(text) != 0 || err != nil {
		t.Errorf("heard %q, %v", text, err)
	}
	if _, text := get(t, http.DefaultClient, "http://"+s.Addr()+"/plain"); text != "plain" {
		t.Errorf("then %q", text)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestHeadOfAStreamEnds(t *testing.T) {
	r := streaming(httpserver.Config{}, func(context.Context, http.ResponseWriter) { t.Error("sent") })
	if got := talk(t, httpserver.Config{}, r, "HEAD /stream HTTP/1.1\r\nHost: souk\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("%q", got)
	}
}

func TestAStreamNeedsAServer(t *testing.T) {
	w := httptest.NewRecorder()
	r := streaming(httpserver.Config{}, func(context.Context, http.ResponseWriter) { t.Error("sent") })
	r.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/stream", nil))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("%d", w.Code)
	}
}
