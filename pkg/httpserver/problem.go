package httpserver

import (
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
)

const problemType = "application/problem+json"

// problem is an RFC 9457 body. "type" is about:blank, which says that title is
// the status' own phrase; code is what clients tell problems apart by.
type problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code"`
	RequestID string         `json:"request_id"`
	Errors    []problemField `json:"errors,omitempty"`
}

type problemField struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Status is the one mapping from a kind of error to an HTTP status.
func Status(k apperr.Kind) int {
	switch k {
	case apperr.Invalid:
		return http.StatusBadRequest
	case apperr.Unauthenticated:
		return http.StatusUnauthorized
	case apperr.Forbidden:
		return http.StatusForbidden
	case apperr.NotFound:
		return http.StatusNotFound
	case apperr.Conflict:
		return http.StatusConflict
	case apperr.TooLarge:
		return http.StatusRequestEntityTooLarge
	case apperr.Unsupported:
		return http.StatusUnsupportedMediaType
	case apperr.Unprocessable:
		return http.StatusUnprocessableEntity
	case apperr.TooMany:
		return http.StatusTooManyRequests
	case apperr.Unavailable:
		return http.StatusServiceUnavailable
	case apperr.Timeout:
		return http.StatusGatewayTimeout
	case apperr.RequestTimeout:
		return http.StatusRequestTimeout
	default:
		return http.StatusInternalServerError
	}
}

// Fail answers the request with err as problem+json and aborts the chain. Only
// the public part of an apperr.Error is shown; a status of 500 and above is
// logged once, with its cause. 429 and 503 carry Retry-After. Errors of the
// database and of idgen that pass by themselves are 503, a commit whose outcome
// was lost is 504 outcome_unknown; nobody need name those.
func Fail(c *gin.Context, err error) {
	e := classify(err)
	status := Status(e.Kind)
	if status >= http.StatusInternalServerError {
		logFailure(c, status, err)
	}
	FailStatus(c, status, e)
}

// FailStatus answers with a status of the caller's choice where the mapping
// from kinds has none, such as 405. Prefer Fail.
func FailStatus(c *gin.Context, status int, e *apperr.Error) {
	c.Abort()
	if c.Writer.Written() {
		return // too late to say anything else
	}
	writeProblem(c.Writer, status, e, RequestIDFrom(c.Request.Context()))
}

// Shed refuses with 503 what there is no room for, and has no line of the access
// log: such refusals come by the thousand, and would bury all others and take the
// time that is short. Whoever sheds counts them.
func Shed(c *gin.Context, e *apperr.Error) {
	requestOf(c).shed = true
	FailStatus(c, http.StatusServiceUnavailable, e)
}

func writeProblem(w http.ResponseWriter, status int, e *apperr.Error, requestID string) {
	body := encodeProblem(status, e, requestID)
	header := w.Header()
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || e.RetryAfter > 0 {
		header.Set("Retry-After", retryAfter(e.RetryAfter))
	}
	header.Set("Content-Type", problemType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", noStore)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone: nobody is left to tell
}

func encodeProblem(status int, e *apperr.Error, requestID string) []byte {
	body, _ := json.Marshal(problemFrom(status, e, requestID)) // strings and integers always encode
	return body
}

func problemFrom(status int, e *apperr.Error, requestID string) problem {
	p := problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: e.Detail, Code: e.Code, RequestID: requestID,
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, problemField{Field: f.Field, Code: f.Code, Detail: f.Detail})
	}
	return p
}

// retryAfter is whole seconds, at least one.
func retryAfter(d time.Duration) string {
	return strconv.FormatInt(int64(max(1, math.Ceil(d.Seconds()))), 10)
}

func logFailure(c *gin.Context, status int, err error) {
	ctx := c.Request.Context()
	loggerFrom(ctx).ErrorContext(ctx, "request failed",
		slog.String("method", method(c)), slog.String("route", route(c)),
		slog.Int("status", status), slog.String("request_id", RequestIDFrom(ctx)),
		slog.Any("error", err))
}
