package e2e

import (
	"net/http"
	"testing"
)

// Guessing one account's password ends after a few tries; whoever is logged in
// to it, and everybody else, goes on.
func TestGuessingAPasswordIsStopped(t *testing.T) {
	victim := newcomer(t, shared)
	anybody := &customer{souk: shared}
	guess := map[string]any{"email": victim.email, "password": "one of many guesses"}
	var last reply
	for range 11 { // one more comes back in 30 s
		last = anybody.post(t, "/v1/sessions", "", guess)
	}
	for try := 0; last.status == http.StatusUnauthorized && try < 10; try++ { // on a slow machine some came back
		last = anybody.post(t, "/v1/sessions", "", guess)
	}
	if last.status != http.StatusTooManyRequests || last.code() != "too_many_attempts" || last.header.Get("Retry-After") == "" || last.header.Get("RateLimit-Limit") != "10" {
		t.Errorf("%d %v %s", last.status, last.header, last.body)
	}
	victim.get(t, "/v1/me").expect(t, http.StatusOK)
	newcomer(t, shared)
}
