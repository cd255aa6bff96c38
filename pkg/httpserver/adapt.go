package httpserver

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// exchange is one request and its reply, as net/http's handlers know them: gin
// and all middlewares stand on net/http, the connection is fasthttp's (decision
// 0031). It implements http.ResponseWriter. A reply is kept until the handler
// returns, or is said by a stream after that. Nothing of it is used again, so
// what outlives a handler may hold on to the request.
type exchange struct {
	request http.Request
	url     url.URL
	body    body
	header  http.Header
	reply   *fasthttp.Response
	begun   bool
	stream  func(context.Context, http.ResponseWriter) // says the reply instead; see Stream
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

var (
	errVersion  = errors.New("not HTTP/1.0 or 1.1")
	errHost     = errors.New("a host with characters that no host has")
	errHeader   = errors.New("a header's name holds a space, or its value goes on in the next line")
	errEncoding = errors.New("a Transfer-Encoding that is not chunked")
)

// read makes the http.Request of what fasthttp has read: its own copy, since the
// connection uses its memory again. It refuses what net/http would.
func (e *exchange) read(ctx *fasthttp.RequestCtx) error {
	head := &ctx.Request.Header
	target := string(head.RequestURI())
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return err
	}
	e.url = *u
	e.request = http.Request{
		Method: methodName(head.Method()), URL: &e.url, RequestURI: target, Host: u.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		RemoteAddr: remoteAddr(ctx), Body: http.NoBody,
	}
	if !head.IsHTTP11() {
		if string(head.Protocol()) != "HTTP/1.0" {
			return errVersion
		}
		e.request.Proto, e.request.ProtoMinor = "HTTP/1.0", 0
	}
	if e.request.Host == "" { // else the target's counts (RFC 9112, 3.2.2)
		e.request.Host = string(head.Host())
	}
	if strings.TrimLeft(e.request.Host, hostCharacters) != "" {
		return errHost
	}
	if sent := ctx.Request.Body(); len(sent) > 0 {
		e.body = body{Closer: http.NoBody, bytes: bytes.Clone(sent)}
		e.body.rest.Reset(e.body.bytes)
		e.request.Body, e.request.ContentLength = &e.body, int64(len(sent))
	}
	if e.request.Header, err = headerOf(string(head.RawHeaders())); err != nil {
		return err
	}
	return e.framing()
}

// hostCharacters are those of names, addresses and ports (RFC 3986, 3.2.2).
const hostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;=:[]"

// framing hides from handlers what says where the message ends, as net/http does.
func (e *exchange) framing() error {
	delete(e.request.Header, "Host")
	encoding, given := e.request.Header["Transfer-Encoding"]
	if given && !strings.EqualFold(encoding[0], "chunked") {
		return errEncoding
	}
	delete(e.request.Header, "Transfer-Encoding")
	return nil
}

// headerOf reads the lines that fasthttp has found in order. It is the head alone:
// fasthttp's own list has a chunked body's trailers too, which nobody in front of
// us has looked at. One text and one array hold the values of all names.
func headerOf(raw string) (http.Header, error) {
	n := strings.Count(raw, "\n")
	header := make(http.Header, n)
	values := make([]string, 0, n)
	for line := range strings.Lines(raw) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		key, value, _ := strings.Cut(line, ":")
		if strings.ContainsAny(key, " \t") {
			return nil, errHeader
		}
		name, value := headerName(key), strings.Trim(value, " \t")
		values = append(values, value)
		if before, twice := header[name]; twice {
			header[name] = append(before, value)
			continue
		}
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return header, nil
}

// headerName is key in canonical form.
func headerName(key string) string {
	if name, ok := knownHeaders[key]; ok {
		return name
	}
	return textproto.CanonicalMIMEHeaderKey(key)
}

// knownHeaders need no second look.
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

// wantsClose reports whether a message's Connection says so, in whatever line and
// case, and beside whatever else; fasthttp knows the plain word alone.
func wantsClose(header http.Header) bool {
	for _, line := range header["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(option), "close") {
				return true
			}
		}
	}
	return false
}
