// Package apperr is the one error type that may reach a client: a kind, a
// stable code and a text that is safe to show. The cause travels along for the
// log and never into a response.
//
// The package knows nothing of HTTP; httpserver maps kinds to statuses.
package apperr

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Kind says what sort of failure it is, and so which status a client sees.
type Kind uint8

// The kinds. The zero value is Internal, so that a forgotten kind never turns
// into blame of the client.
const (
	Internal        Kind = iota // 500
	Invalid                     // 400: the request cannot be understood
	Unauthenticated             // 401
	Forbidden                   // 403
	NotFound                    // 404
	Conflict                    // 409: the request is good, the state is against it
	TooLarge                    // 413
	Unsupported                 // 415
	Unprocessable               // 422: understood, and not acceptable
	TooMany                     // 429
	Unavailable                 // 503
	Timeout                     // 504: the outcome may be unknown
	RequestTimeout              // 408: the client did not send its request in time
)

// Codes of the errors that From makes.
const (
	CodeInternal = "internal"
	CodeTimeout  = "timeout"
)

// Field is what is wrong with one field of a request.
type Field struct {
	Field  string // JSON path, for example "items[0].sku"
	Code   string // stable snake_case
	Detail string // for people; must not repeat the client's value
}

// Error is a failure that may be shown to a client. Code, Detail and Fields
// are public; the cause is not. Values are treated as immutable: the With
// methods copy, so that one Error may be a package's sentinel.
type Error struct {
	Kind       Kind
	Code       string
	Detail     string
	Fields     []Field
	RetryAfter time.Duration // 0 is no hint

	cause error
}

// New makes an Error. code is stable snake_case, detail a sentence for people.
func New(kind Kind, code, detail string) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail}
}

// With returns a copy that carries cause for the log.
func (e *Error) With(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// WithFields returns a copy with fields added to those it has.
func (e *Error) WithFields(fields ...Field) *Error {
	c := *e
	c.Fields = append(slices.Clip(e.Fields), fields...)
	return &c
}

// WithRetryAfter returns a copy that asks the client to wait for d.
func (e *Error) WithRetryAfter(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Error is the text for the log; it includes the cause.
func (e *Error) Error() string {
	text := e.Code + ": " + e.Detail
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an Error of the same kind and code, so that a
// copy made by With still matches its original.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Code == e.Code
}

// From returns err as an Error. The outermost *Error in its chain wins; a
// passed deadline is a Timeout; anything else is Internal with err as its
// cause. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return New(Timeout, CodeTimeout, "the request took too long").With(err)
	}
	return New(Internal, CodeInternal, "something went wrong on our side").With(err)
}
