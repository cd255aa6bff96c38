package ratelimit_test

import (
	"net/http"
	"testing"
	"time"

	"souk.example/pkg/ratelimit"
)

func TestWriteHeader(t *testing.T) {
	tests := map[string]struct {
		result                         ratelimit.Result
		limit, remaining, reset, after string
	}{
		"allowed": {ratelimit.Result{Allowed: true, Limit: 10, Remaining: 9, ResetAfter: 100 * time.Millisecond}, "10", "9", "1", ""},
		"refused": {ratelimit.Result{Limit: 10, RetryAfter: 1500 * time.Millisecond, ResetAfter: 9 * time.Second}, "10", "0", "9", "2"},
		"at once": {ratelimit.Result{Limit: 10}, "10", "0", "0", "1"},
	}
	for name, tt := range tests {
		h := http.Header{}
		tt.result.WriteHeader(h)
		got := [4]string{h.Get("RateLimit-Limit"), h.Get("RateLimit-Remaining"), h.Get("RateLimit-Reset"), h.Get("Retry-After")}
		if want := [4]string{tt.limit, tt.remaining, tt.reset, tt.after}; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
