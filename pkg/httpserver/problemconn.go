package httpserver

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"souk.example/pkg/apperr"
)

// net/http answers a request that it cannot parse by itself, in plain text,
// below any handler. A problemConn recognises those few replies by their fixed
// form and rewrites them as problem+json, so that clients see one kind of
// error. Should net/http change the form, its own reply goes out as it is.

type problemListener struct{ net.Listener }

func (l problemListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		return problemConn{tcp}, nil
	}
	return conn, nil
}

// problemConn keeps the methods of a TCP connection that net/http looks for,
// CloseWrite above all: it lets a client that is still sending read the reply.
type problemConn struct{ *net.TCPConn }

// plainReply follows the status line in every reply net/http makes by itself.
const plainReply = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

func (c problemConn) Write(b []byte) (int, error) {
	status, ok := parseFailure(b)
	if !ok {
		return c.TCPConn.Write(b)
	}
	if _, err := c.TCPConn.Write(rawProblem(status)); err != nil {
		return 0, err
	}
	return len(b), nil // the caller's own bytes count as written
}

// parseFailure reads the status of a reply that net/http made by itself.
func parseFailure(b []byte) (status int, ok bool) {
	const protocol = "HTTP/1.1 "
	if len(b) <= len(protocol) || b[len(protocol)] < '4' {
		return 0, false // most replies, none of which need be searched
	}
	line, _, ok := bytes.Cut(b, []byte(plainReply))
	if !ok || len(line) < len(protocol)+3 || !bytes.HasPrefix(line, []byte(protocol)) || bytes.Contains(line, []byte("\r\n")) {
		return 0, false
	}
	status, err := strconv.Atoi(string(line[len(protocol) : len(protocol)+3]))
	return status, err == nil && status >= 400
}

func rawProblem(status int) []byte {
	e := apperr.New(apperr.Invalid, "malformed_request", "the request is not valid HTTP")
	switch status {
	case http.StatusRequestHeaderFieldsTooLarge:
		e = apperr.New(apperr.Invalid, "header_too_large", "the request header is too large")
	case http.StatusNotImplemented: // an unknown Transfer-Encoding, which is the client's mistake and not ours
		status = http.StatusBadRequest
	}
	body := encodeProblem(status, e, "")
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), problemType, len(body), body)
}
