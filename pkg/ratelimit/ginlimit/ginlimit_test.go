package ginlimit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/ratelimit/ginlimit"
)

// engine limits requests by their query.
func engine(l ginlimit.Limiter) *gin.Engine {
	gin.SetMode(gin.TestMode)
	e := gin.New()
	e.GET("/", ginlimit.Middleware(l, func(c *gin.Context) string { return c.Query("key") }),
		func(c *gin.Context) { c.Status(http.StatusNoContent) })
	return e
}

func get(t *testing.T, e *gin.Engine, query string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+query, nil))
	return w
}

// once allows each key one event, and refuses what a Limiter would.
type once map[string]bool

func (o once) Allow(_ context.Context, key string) (ratelimit.Result, error) {
	if len(key) > ratelimit.MaxKey {
		return ratelimit.Result{}, ratelimit.ErrKey
	}
	r := ratelimit.Result{Allowed: !o[key]}
	o[key] = true
	return r, nil
}

func TestLongKeysAreLimitedToo(t *testing.T) {
	e := engine(once{})
	long := "?key=" + strings.Repeat("k", ratelimit.MaxKey)
	for _, step := range []struct {
		query  string
		status int
	}{
		{long, http.StatusNoContent},
		{long + "1", http.StatusNoContent},
		{long + "2", http.StatusNoContent},
		{long + "1", http.StatusTooManyRequests},
	} {
		if w := get(t, e, step.query); w.Code != step.status {
			t.Errorf("a key of %d bytes: %d, want %d", len(step.query)-len("?key="), w.Code, step.status)
		}
	}
}

// verdicts answers each key with its result.
type verdicts map[string]ratelimit.Result

func (v verdicts) Allow(_ context.Context, key string) (ratelimit.Result, error) {
	r, known := v[key]
	if !known {
		return r, ratelimit.ErrKey
	}
	return r, nil
}

func TestMiddleware(t *testing.T) {
	limiter := verdicts{
		"good": {Allowed: true, Limit: 5, Remaining: 4},
		"bad":  {Limit: 5, RetryAfter: 3 * time.Second},
	}
	e := engine(limiter)
	tests := map[string]struct {
		status           int
		remaining, after string
		body             string
	}{
		"?key=good":    {http.StatusNoContent, "4", "", ""},
		"?key=bad":     {http.StatusTooManyRequests, "0", "3", `"code":"rate_limited"`},
		"?key=unknown": {http.StatusInternalServerError, "", "", `"code":"internal"`},
		"":             {http.StatusNoContent, "", "", ""},
	}
	for query, tt := range tests {
		w := get(t, e, query)
		h := w.Header()
		if w.Code != tt.status || h.Get("RateLimit-Remaining") != tt.remaining || h.Get("Retry-After") != tt.after || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%q: %d %v %s", query, w.Code, h, w.Body)
		}
	}
}
