package edge

import (
	"net/http"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
)

// retryDown is what a client is asked to wait for a service that is down.
const retryDown = time.Second

// upstreamError says what became of a request that a service did not answer.
func upstreamError(r *http.Request, err error) error {
	switch {
	case neverSent(err):
		return apperr.New(apperr.Unavailable, "upstream_unavailable", "this service is not answering").With(err).WithRetryAfter(retryDown)
	case changesState(r.Method):
		return apperr.New(apperr.Timeout, contracts.CodeOutcomeUnknown, "the request may have been carried out: "+afterUnknown(r)).With(err)
	case httpserver.TimedOut(err):
		return apperr.New(apperr.Timeout, "upstream_timeout", "this service did not answer in time").With(err)
	}
	return apperr.New(apperr.Unavailable, "upstream_unavailable", "the connection to this service was lost").With(err).WithRetryAfter(retryDown)
}

// afterUnknown is what a client can do about it.
func afterUnknown(r *http.Request) string {
	if r.Header.Get("Idempotency-Key") != "" {
		return "repeat it with the same Idempotency-Key"
	}
	return "look whether it was before you repeat it"
}

func changesState(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}
