package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"souk.example/pkg/overload"
)

// maxPart bounds a part, in bytes: twenty orders of a hundred lines each, the most
// that anybody asks for, are below 300 KiB.
const maxPart = 512 << 10

var (
	errPartBusy   = errors.New("too many requests of the service are in hand")
	ErrDenied     = errors.New("the service refuses the caller")
	errPartLarge  = errors.New("the reply is too large")
	errPartFormat = errors.New("the reply is no JSON object")
)

// source is where a part comes from.
type source struct {
	name, path, query string
	upstream          *upstream
	limit             *overload.Limiter // nil: none
}

// part is what a source gave: a body or err, and of a refusal of the caller all of it.
type part struct {
	body   json.RawMessage
	err    error
	status int // of a refusal, else 0
	header http.Header
}

// ask never panics: it runs beside the goroutine that recovers for the request.
func (s source) ask(ctx context.Context, r *http.Request) (p part) {
	defer func() {
		if v := recover(); v != nil {
			p = part{err: fmt.Errorf("panic: %v\n%s", v, debug.Stack())}
		}
	}()
	if s.limit != nil {
		done, ok := s.limit.Take()
		if !ok {
			return part{err: errPartBusy}
		}
		defer done()
	}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	err := outgoing(req, s.onBehalf(ctx, r))
	if err == nil {
		err = s.upstream.ask(ctx, req, resp)
	}
	if err != nil {
		return part{err: err}
	}
	return partOf(resp)
}

// onBehalf is the caller's own request of the source. Nothing else of what the
// client sent goes along: a condition or a range would change the answer.
func (s source) onBehalf(ctx context.Context, r *http.Request) *http.Request {
	own := r.WithContext(ctx)
	own.Method, own.Body = http.MethodGet, http.NoBody
	own.URL = &url.URL{Path: s.path, RawQuery: s.query}
	own.Header = http.Header{"Authorization": r.Header["Authorization"]}
	return own
}

// partOf reads a reply. A refusal of the caller, 401 or 403, is kept as it was said.
func partOf(resp *fasthttp.Response) part {
	body, err := readPart(resp)
	status := resp.StatusCode()
	switch {
	case err != nil:
		return part{err: err}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		header := http.Header{}
		replyHeaders(header, &resp.Header)
		return part{body: body, err: ErrDenied, status: status, header: header}
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return part{err: errPartBusy}
	case status != http.StatusOK:
		return part{err: fmt.Errorf("the service answers %d", status)}
	case !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) || !utf8.Valid(body) || !json.Valid(body):
		return part{err: errPartFormat}
	}
	return part{body: body}
}

func readPart(resp *fasthttp.Response) ([]byte, error) {
	stream := resp.BodyStream()
	if stream == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(stream, maxPart+1))
	if len(body) > maxPart {
		return nil, errPartLarge
	}
	return body, unlessWhole(err, resp)
}

// given is what a reply shows of the part: null when it is missing.
func (p part) given() json.RawMessage {
	if p.err != nil {
		return nil
	}
	return p.body
}

// refuse passes a refusal on as it is.
func (p part) refuse(w http.ResponseWriter) {
	header := w.Header()
	for name, values := range p.header {
		header[name] = append(header[name], values...)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(p.body) // the client is gone: nobody is left to tell
}
