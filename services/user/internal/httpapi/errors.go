package httpapi

import (
	"errors"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
	"souk.example/services/user/internal/throttle"
	"souk.example/services/user/internal/user"
)

// fail answers with what the domain's error means to a client.
func fail(c *gin.Context, err error) {
	switch {
	case errors.Is(err, user.ErrEmailTaken):
		err = apperr.New(apperr.Conflict, contracts.CodeEmailTaken, "this e-mail address has an account").With(err)
	case errors.Is(err, user.ErrInvalidCredentials):
		err = apperr.New(apperr.Unauthenticated, contracts.CodeInvalidCredentials, "unknown e-mail address or wrong password")
	case errors.Is(err, user.ErrInvalidRefresh):
		err = apperr.New(apperr.Unauthenticated, "invalid_refresh_token", "the refresh token is not valid: log in again").With(err)
	case errors.Is(err, user.ErrBlocked):
		err = apperr.New(apperr.Forbidden, contracts.CodeBlocked, "you are not allowed to use this service").With(err)
	case errors.Is(err, user.ErrNotBlocked):
		err = apperr.New(apperr.NotFound, contracts.CodeNotBlocked, "this subject is not blocked").With(err)
	case errors.Is(err, user.ErrBlocksFull):
		err = apperr.New(apperr.Unprocessable, contracts.CodeBlocklistFull, "the block list is full").With(err)
	case errors.Is(err, user.ErrBusy):
		err = apperr.New(apperr.TooMany, "too_many_logins", "too many passwords are being checked").With(err).WithRetryAfter(2 * time.Second)
	case errors.Is(err, user.ErrAddressNotFound):
		err = apperr.New(apperr.NotFound, contracts.CodeAddressNotFound, "there is no such address").With(err)
	case errors.Is(err, user.ErrTooManyAddresses):
		err = apperr.New(apperr.Conflict, contracts.CodeTooManyAddresses, "you have as many addresses as can be kept: delete one first").With(err)
	case errors.Is(err, user.ErrNotFound):
		err = apperr.New(apperr.NotFound, "user_not_found", "there is no such user").With(err)
	}
	if tooMany, ok := errors.AsType[*throttle.TooManyError](err); ok {
		tooMany.Limit.WriteHeader(c.Writer.Header())
		err = apperr.New(apperr.TooMany, contracts.CodeTooManyAttempts, "too many failed logins of this account").WithRetryAfter(tooMany.Limit.RetryAfter)
	}
	if invalid, ok := errors.AsType[*user.InvalidError](err); ok {
		err = apperr.New(apperr.Unprocessable, codeOf(invalid), invalid.Field+" "+invalid.Detail).WithFields(fieldsOf(err)...)
	}
	httpserver.Fail(c, err)
}

// fieldsOf names all that is wrong; the reply's own code and detail are the first's.
func fieldsOf(err error) (fields []apperr.Field) {
	all, several := errors.AsType[user.InvalidErrors](err)
	if one, ok := errors.AsType[*user.InvalidError](err); ok && !several {
		all = user.InvalidErrors{one}
	}
	for _, e := range all {
		fields = append(fields, apperr.Field{Field: e.Field, Code: e.Code, Detail: e.Detail})
	}
	return fields
}

func codeOf(e *user.InvalidError) string {
	if e.Field == "password" {
		return contracts.CodeWeakPassword
	}
	return e.Code
}
