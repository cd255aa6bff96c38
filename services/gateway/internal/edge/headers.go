package edge

import (
	"net"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
)

// outgoing makes the request for the service of the client's, with its body,
// whose size the server has bounded, in memory: so it can be sent again.
func outgoing(out *fasthttp.Request, in *http.Request) error {
	out.SetRequestURI("http://upstream" + in.URL.EscapedPath())
	out.URI().SetQueryString(in.URL.RawQuery) // else it would end at a #
	out.UseHostHeader = true                  // else the client's would be part of the URI
	out.Header.SetHost(in.Host)
	out.Header.SetMethod(in.Method)
	out.Header.SetNoDefaultContentType(true)
	out.Header.DisableNormalizing() // names are in canonical form
	passOn(&out.Header, in.Header)
	ownWord(&out.Header, in)
	body, err := httpserver.ReadBody(in)
	if err != nil {
		return apperr.New(apperr.Invalid, "malformed_request", "the body ends early").With(err)
	}
	out.SetBodyRaw(body)
	return nil
}

// passOn leaves out what the edge says itself: Traceparent is of the attempt.
func passOn(out *fasthttp.RequestHeader, in http.Header) {
	named := in["Connection"]
	for name, values := range in {
		if name == "X-Request-Id" || name == "Traceparent" || claimsIdentity(name) || hopByHop(name, named) {
			continue
		}
		for _, value := range values {
			out.Add(name, value)
		}
	}
}

// ownWord is what the service is told by the edge alone.
func ownWord(out *fasthttp.RequestHeader, in *http.Request) {
	out.Set("X-Request-Id", httpserver.RequestIDFrom(in.Context()))
	if client, _, err := net.SplitHostPort(in.RemoteAddr); err == nil {
		out.Set("X-Forwarded-For", client)
	}
	proto := "http"
	if in.TLS != nil {
		proto = "https"
	}
	out.Set("X-Forwarded-Host", in.Host)
	out.Set("X-Forwarded-Proto", proto)
}

// claimsIdentity reports a header, in canonical form, that a service might
// take for the edge's word: nobody outside may say who is asking, from where, or
// that the method is another.
func claimsIdentity(name string) bool {
	switch name {
	case "Forwarded", "X-Real-Ip", "True-Client-Ip", "X-Client-Ip", "X-Http-Method-Override", "X-Original-Url", "X-Rewrite-Url":
		return true
	}
	return strings.HasPrefix(name, "X-User") || strings.HasPrefix(name, "X-Souk") || strings.HasPrefix(name, "X-Forwarded-")
}

// hopByHop reports a header, in canonical form, that is for one connection alone
// (RFC 9110, section 7.6.1, and what is sent all the same): named are the values
// of Connection. Expect is among them because the edge says 100 itself.
func hopByHop(name string, named []string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect":
		return true
	}
	for _, value := range named {
		for other := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(other), name) {
				return true
			}
		}
	}
	return false
}

// replyHeaders adds a reply's headers to those that the edge has set, which says
// the request id itself; how long a reply may be kept its service knows.
func replyHeaders(header http.Header, in *fasthttp.ResponseHeader) {
	delete(header, "Cache-Control")
	var named []string
	for _, value := range in.PeekAll("Connection") {
		named = append(named, string(value))
	}
	in.SetNoDefaultContentType(true)
	for key, value := range in.All() {
		if name := string(key); name != "X-Request-Id" && !hopByHop(name, named) {
			header[name] = append(header[name], string(value))
		}
	}
}
