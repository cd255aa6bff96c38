package overload_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/overload"
	"souk.example/pkg/telemetry"
)

// router answers what l takes in with the body it came with.
func router(l *overload.Limiter, log io.Writer, during func()) http.Handler {
	t := telemetry.Nop()
	t.Logger = slog.New(slog.NewTextHandler(log, nil))
	t.AccessLog = t.Logger
	r := httpserver.NewRouter(httpserver.Config{}, t)
	r.POST("/orders", overload.Middleware(l), func(c *gin.Context) {
		during()
		body, err := io.ReadAll(c.Request.Body)
		c.String(http.StatusOK, "%s %v", body, err)
	})
	return r
}

func post(t *testing.T, h http.Handler, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/orders", body))
	return w
}

// One too many is refused at once, which no log tells; room is given back also by
// a handler that panics.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	l := overload.New(overload.Config{Floor: 1, Ceiling: 1})
	var h http.Handler
	panics := false
	var log bytes.Buffer
	h = router(l, &log, func() {
		if l.State().InFlight == 1 && !panics {
			panics = true
			refused := post(t, h, strings.NewReader("tea"))
			if refused.Code != http.StatusServiceUnavailable || refused.Header().Get("Retry-After") != "1" || !strings.Contains(refused.Body.String(), `"overloaded"`) {
				t.Errorf("refused with %d, %s", refused.Code, refused.Body)
			}
			if log.Len() > 0 {
				t.Errorf("logged %s", log.String())
			}
			panic("a mistake")
		}
	})
	if w := post(t, h, nil); w.Code != http.StatusInternalServerError {
		t.Errorf("the first is answered %d", w.Code)
	}
	if w := post(t, h, strings.NewReader("tea")); w.Code != http.StatusOK || w.Body.String() != "tea <nil>" {
		t.Errorf("after it %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "status=200") {
		t.Errorf("who was taken in is not logged: %s", log.String())
	}
	want := "# HELP souk_overload_rejected_total Requests refused because too many were in hand.\n# TYPE souk_overload_rejected_total counter\nsouk_overload_rejected_total 1\n"
	if err := testutil.CollectAndCompare(l, strings.NewReader(want), "souk_overload_rejected_total"); err != nil {
		t.Error(err)
	}
}

// trickle is a body that comes when the test lets it.
type trickle struct {
	asked chan struct{} // closed with the first read
	comes chan error
}

func (b trickle) Read([]byte) (int, error) {
	close(b.asked)
	return 0, <-b.comes
}

// A client that sends its body slowly, or reads its reply so, is in nobody's
// hand; and a body that breaks off does so for the handler.
func TestAClientsSlownessIsItsOwn(t *testing.T) {
	t.Parallel()
	l := overload.New(overload.Config{Floor: 1, Ceiling: 1})
	h := router(l, io.Discard, func() {})
	body := trickle{make(chan struct{}), make(chan error)}
	slow := make(chan *httptest.ResponseRecorder)
	go func() { slow <- post(t, h, body) }()
	<-body.asked
	if w := post(t, h, nil); w.Code != http.StatusOK {
		t.Errorf("while another sends its body %d", w.Code)
	}
	body.comes <- io.ErrUnexpectedEOF
	if w := <-slow; w.Code != http.StatusOK || w.Body.String() != " unexpected EOF" {
		t.Errorf("the slow one is answered %d %s", w.Code, w.Body)
	}
	reading := lazy{httptest.NewRecorder(), func() {
		if n := l.State().InFlight; n != 0 {
			t.Errorf("%d in hand while the client reads its reply", n)
		}
	}}
	h.ServeHTTP(reading, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/orders", nil))
}

// lazy is a client that takes its time for the reply.
type lazy struct {
	*httptest.ResponseRecorder
	meanwhile func()
}

func (l lazy) Write(p []byte) (int, error) {
	l.meanwhile()
	return l.ResponseRecorder.Write(p)
}

// One of two requests at a time is taken in hand.
func Example() {
	l := overload.New(overload.Config{Floor: 1, Ceiling: 1})
	done, ok := l.Take()
	fmt.Println(ok)
	_, ok = l.Take()
	fmt.Println(ok)
	done()
	_, ok = l.Take()
	fmt.Println(ok)
	// Output:
	// true
	// false
	// true
}
