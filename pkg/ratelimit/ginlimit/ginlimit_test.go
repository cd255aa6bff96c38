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
	gin.SetMode(gin.TestMode)
	limiter := verdicts{
		"good": {Allowed: true, Limit: 5, Remaining: 4},
		"bad":  {Limit: 5, RetryAfter: 3 * time.Second},
	}
	engine := gin.New()
	engine.GET("/", ginlimit.Middleware(limiter, func(c *gin.Context) string { return c.Query("key") }),
		func(c *gin.Context) { c.Status(http.StatusNoContent) })
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
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+query, nil))
		h := w.Header()
		if w.Code != tt.status || h.Get("RateLimit-Remaining") != tt.remaining || h.Get("Retry-After") != tt.after || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%q: %d %v %s", query, w.Code, h, w.Body)
		}
	}
}
