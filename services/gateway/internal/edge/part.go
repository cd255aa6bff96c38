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

	"github.com/valyala/fasthttp"

	"souk.example/pkg/overload"
)

// maxPart bounds a part, in bytes: five orders of a hundred lines each are below
// 100 KiB.
const maxPart = 256 << 10

var (
	errPartRefused = errors.New("too many requests of the service are in hand")
	errPartLarge   = errors.New("the reply is too large")
	errPartFormat  = errors.New("the reply is no JSON object")
)

// source is where a part comes from.
type source struct {
	name, path, query string
	upstream          *upstream
	limit             *overload.Limiter // nil: none
}

// part is what a source gave: one of body and err, and of a refusal its header too.
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
			return part{err: errPartRefused}
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

// partOf reads a reply. 401 and 403 speak of the caller, whom no other part of
// the reply would help; any other status but 200 speaks of this part.
func partOf(resp *fasthttp.Response) part {
	body, err := readPart(resp)
	status := resp.StatusCode()
	switch {
	case err != nil:
		return part{err: err}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		header := http.Header{}
		replyHeaders(header, &resp.Header)
		return part{body: body, status: status, header: header}
	case status != http.StatusOK:
		return part{err: fmt.Errorf("the service answers %d", status)}
	case !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) || !json.Valid(body):
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

// refuse passes a refusal on as it is.
func (p part) refuse(w http.ResponseWriter) {
	header := w.Header()
	for name, values := range p.header {
		header[name] = append(header[name], values...)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(p.body) // the client is gone: nobody is left to tell
}
