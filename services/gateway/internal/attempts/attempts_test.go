package attempts_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/attempts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// edge has a route for each guard, that answers with the status asked for; two
// are allowed of each.
func edge(t *testing.T) http.Handler {
	t.Helper()
	rdb := redistest.Open(t)
	limiter := func(name string) *ratelimit.Limiter {
		l, err := ratelimit.New(rdb, ratelimit.Config{
			Name: name, Limit: ratelimit.Limit{Rate: 1, Per: time.Hour, Burst: 2}, Timeout: 5 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	answer := func(c *gin.Context) {
		status, _ := strconv.Atoi(c.Query("status"))
		c.Status(status)
	}
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	r.POST("/failures", attempts.Failures(limiter("failures")), answer)
	r.POST("/all", attempts.All(limiter("all")), answer)
	return r
}

func post(t *testing.T, h http.Handler, from, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestOnlyFailuresOfAnAddressCount(t *testing.T) {
	h := edge(t)
	for _, status := range []string{"201", "200", "403", "422", "503", "201"} {
		if w := post(t, h, "192.0.2.1:1", "/failures?status="+status); strconv.Itoa(w.Code) != status {
			t.Fatalf("%s: %d", status, w.Code)
		}
	}
	for range 2 {
		post(t, h, "192.0.2.1:2", "/failures?status=401")
	}
	w := post(t, h, "192.0.2.1:3", "/failures?status=201")
	header := w.Header()
	if w.Code != 429 || !strings.Contains(w.Body.String(), `"code":"too_many_attempts"`) || header.Get("Retry-After") == "" || header.Get("RateLimit-Limit") != "2" || header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("%d %v %s", w.Code, header, w.Body)
	}
	if w := post(t, h, "192.0.2.2:3", "/failures?status=201"); w.Code != 201 {
		t.Errorf("another address: %d", w.Code)
	}
}

// A client of IPv6 has a /64 to move in, and is one all the same.
func TestWhoIsOneClient(t *testing.T) {
	for name, tt := range map[string]struct {
		first, next string
		same        bool
	}{
		"one /64":              {"[2001:db8::1]:1", "[2001:db8::ffff:1]:1", true},
		"two":                  {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		"IPv4, in two guises":  {"192.0.2.1:1", "[::ffff:192.0.2.1]:1", true},
		"neighbours with IPv4": {"192.0.2.1:1", "192.0.2.2:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			h := edge(t)
			for range 2 {
				if w := post(t, h, tt.first, "/all?status=201"); w.Code != 201 {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			if w := post(t, h, tt.next, "/all?status=201"); (w.Code == 429) != tt.same {
				t.Errorf("%d", w.Code)
			}
		})
	}
}
