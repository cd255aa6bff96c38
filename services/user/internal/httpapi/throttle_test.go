package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/telemetry"
	"souk.example/services/user/internal/httpapi"
	"souk.example/services/user/internal/password"
	"souk.example/services/user/internal/throttle"
)

// Whoever guesses too often is told when to come again.
func TestTooManyFailedLogins(t *testing.T) {
	s := open(t, password.Config{})
	s.signUp(t, "alice@souk.example")
	limiter, err := ratelimit.New(redistest.Open(t), ratelimit.Config{
		Name: "login", Limit: ratelimit.Limit{Rate: 1, Per: time.Hour, Burst: 1}, Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	router := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	httpapi.New(nil, throttle.NewLogins(s.doorkeeper, limiter), nil, nil, nil, nil, nil).Register(router, s.verifier)
	login := func(password string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/sessions", strings.NewReader(`{"email":"alice@souk.example","password":"`+password+`"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w
	}
	for _, step := range []struct {
		password string
		status   int
	}{{"wonderland!", 201}, {"wonderland!", 201}, {"wonderland?", 401}} {
		if w := login(step.password); w.Code != step.status {
			t.Fatalf("%d %s, want %d", w.Code, w.Body, step.status)
		}
	}
	w := login("wonderland!")
	if h := w.Header(); w.Code != 429 || !strings.Contains(w.Body.String(), `"code":"too_many_attempts"`) ||
		h.Get("Retry-After") == "" || h.Get("RateLimit-Limit") != "1" || h.Get("RateLimit-Remaining") != "0" || h.Get("RateLimit-Reset") == "" {
		t.Errorf("%d %v %s", w.Code, h, w.Body)
	}
}
