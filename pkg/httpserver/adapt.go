package httpserver

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"

	"github.com/valyala/fasthttp"
)

// exchange is one request and its reply, as net/http's handlers know them: gin
// and all middlewares stand on net/http, the connection is fasthttp's (decision
// 0031). It implements http.ResponseWriter. A reply is kept until the handler
// returns; there is no Flusher and no Hijacker. Nothing of it is used again, so
// what outlives a handler may hold on to the request.
type exchange struct {
	request http.Request
	url     url.URL
	body    body
	header  http.Header
	reply   *fasthttp.Response
	begun   bool
}

// Header implements http.ResponseWriter.
func (e *exchange) Header() http.Header { return e.header }

// WriteHeader implements http.ResponseWriter. The first status counts.
func (e *exchange) WriteHeader(status int) {
	if e.begun {
		return
	}
	e.begun = true
	e.reply.SetStatusCode(status)
}

// Write implements http.ResponseWriter.
func (e *exchange) Write(p []byte) (int, error) {
	e.WriteHeader(http.StatusOK)
	e.reply.AppendBody(p)
	return len(p), nil
}

// read makes the http.Request of what fasthttp has read: its own copy, since the
// connection uses its memory again.
func (e *exchange) read(ctx *fasthttp.RequestCtx) error {
	head := &ctx.Request.Header
	target := string(head.RequestURI())
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return err
	}
	e.url = *u
	e.request = http.Request{
		Method: methodName(head.Method()), URL: &e.url, RequestURI: target, Host: string(head.Host()),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		RemoteAddr: remoteAddr(ctx), Body: http.NoBody,
	}
	if sent := ctx.Request.Body(); len(sent) > 0 {
		e.body = body{Closer: http.NoBody, bytes: bytes.Clone(sent)}
		e.body.rest.Reset(e.body.bytes)
		e.request.Body, e.request.ContentLength = &e.body, int64(len(sent))
	}
	e.request.Header, err = headerOf(head)
	return err
}

// headerOf copies a request's header. One array holds the values of all names.
func headerOf(head *fasthttp.RequestHeader) (http.Header, error) {
	header := make(http.Header, head.Len())
	values := make([]string, 0, head.Len())
	for k, v := range head.All() {
		name, ok := headerName(k)
		if !ok {
			return nil, errHeaderName
		}
		values = append(values, string(v))
		if before, twice := header[name]; twice {
			header[name] = append(before, string(v))
			continue
		}
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	delete(header, "Host") // it is the request's Host, as in net/http
	return header, nil
}

var errHeaderName = errors.New("a header's name holds a space")

// headerName is k without a copy if souk knows it, and not ok with a space in
// it, which fasthttp lets pass.
func headerName(k []byte) (name string, ok bool) {
	if name, ok = knownHeaders[string(k)]; ok {
		return name, true
	}
	return string(k), !bytes.ContainsAny(k, " \t")
}

// knownHeaders are those that most requests have.
var knownHeaders = func() map[string]string {
	known := make(map[string]string)
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Content-Type", "Host",
		"Idempotency-Key", "If-None-Match", "Traceparent", "User-Agent", "X-Forwarded-For", requestIDHeader,
	} {
		known[name] = name
	}
	return known
}()

// methodName is m without a copy if it is a usual one.
func methodName(m []byte) string {
	switch string(m) {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodPost:
		return http.MethodPost
	default:
		return string(m)
	}
}

// send gives the reply its header. fasthttp adds Date and Content-Length.
func (e *exchange) send() {
	e.WriteHeader(http.StatusOK) // a handler that wrote nothing
	for name, values := range e.header {
		if name == "Content-Length" {
			continue
		}
		for _, value := range values {
			e.reply.Header.Add(name, value)
		}
	}
}
