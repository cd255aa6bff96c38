package httpapi

import (
	"context"
	"errors"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/groupcommit"
)

// intakeError says what a failed commit means to the client; unknown is what
// to do when nobody knows.
func intakeError(err error, unknown string) error {
	switch {
	case errors.Is(err, groupcommit.ErrFull):
		full := apperr.New(apperr.Unavailable, contracts.CodeQueueFull, "too many orders are waiting").With(err)
		full.RetryAfter = time.Second
		return full
	case errors.Is(err, groupcommit.ErrStopped):
		stopping := apperr.New(apperr.Unavailable, "shutting_down", "this server is stopping").With(err)
		stopping.RetryAfter = time.Second
		return stopping
	case errors.Is(err, groupcommit.ErrOutcomeUnknown), errors.Is(err, context.DeadlineExceeded):
		return apperr.New(apperr.Timeout, contracts.CodeOutcomeUnknown, unknown).With(err)
	}
	return err
}
