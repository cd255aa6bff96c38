package httpserver

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/apperr"
	"souk.example/pkg/database"
	"souk.example/pkg/idgen"
)

// Codes of failures that no handler names, because any handler may meet them.
const (
	codeOutcomeUnknown = "outcome_unknown"
	codeUnavailable    = "temporarily_unavailable"
)

// passing is when to come again after a failure that passes by itself.
const passing = time.Second

// classify says what err means to a client: what the service itself said of
// it, if anything; else whether the request may have taken effect, or would
// succeed later as it is. What is left is our own mistake.
func classify(err error) *apperr.Error {
	if said, ok := errors.AsType[*apperr.Error](err); ok {
		return said
	}
	switch {
	case errors.Is(err, database.ErrCommitUnknown):
		return apperr.New(apperr.Timeout, codeOutcomeUnknown,
			"the request may have been carried out: repeat it, with the same Idempotency-Key if it had one").With(err)
	case errors.Is(err, context.DeadlineExceeded):
		return apperr.From(err)
	case errors.Is(err, idgen.ErrNoLease), errors.Is(err, idgen.ErrExhausted), database.IsTransient(err):
		return apperr.New(apperr.Unavailable, codeUnavailable, "the request was not carried out: repeat it later").
			With(err).WithRetryAfter(passing)
	}
	return apperr.From(err)
}
