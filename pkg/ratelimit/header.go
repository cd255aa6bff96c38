package ratelimit

import (
	"net/http"
	"strconv"
)

// WriteHeader tells a client of its limit: RateLimit-Limit, -Remaining and
// -Reset (draft-ietf-httpapi-ratelimit-headers-06), and Retry-After (RFC 9110)
// on a refusal. Times are whole seconds, rounded up.
func (r Result) WriteHeader(h http.Header) {
	h.Set("RateLimit-Limit", strconv.FormatInt(r.Limit, 10))
	h.Set("RateLimit-Remaining", strconv.FormatInt(r.Remaining, 10))
	h.Set("RateLimit-Reset", strconv.FormatInt(seconds(r.ResetAfter), 10))
	if !r.Allowed {
		h.Set("Retry-After", strconv.FormatInt(max(seconds(r.RetryAfter), 1), 10))
	}
}
