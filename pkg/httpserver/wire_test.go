package httpserver_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/httpserver"
)

// raw sends bytes as they are and reads one reply.
func raw(t *testing.T, addr, text string) (*http.Response, string) {
	t.Helper()
	conn := dial(t, addr)
	go func() { _, _ = io.WriteString(conn, text) }() // the server may stop reading half way
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("read reply: %v", err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response, string(body)
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// The edge part of the bad-input corpus, as bytes on the wire.
func TestServerRefuses(t *testing.T) {
	s := start(t, httpserver.Config{ReadTimeout: 300 * time.Millisecond, RequestTimeout: 200 * time.Millisecond}, bindServer())
	const head = "POST /orders HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n"
	tests := []struct {
		name, text string
		status     int
		code       string
	}{
		{"1 MB header", "GET / HTTP/1.1\r\nHost: souk\r\nX-Big: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", 431, "header_too_large"},
		{"not HTTP", "hello\r\n\r\n", 400, "malformed_request"},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400, "malformed_request"},
		{"CR in a header", "GET / HTTP/1.1\r\nHost: souk\r\nX-A: a\rb\r\n\r\n", 400, "malformed_request"},
		{"NUL in a header", "GET / HTTP/1.1\r\nHost: souk\r\nX-A: a\x00b\r\n\r\n", 400, "malformed_request"},
		{"space before colon", "GET / HTTP/1.1\r\nHost: souk\r\nContent-Length : 1\r\n\r\n", 400, "malformed_request"},
		{"two lengths", head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "malformed_request"},
		{"negative length", head + "Content-Length: -1\r\n\r\n", 400, "malformed_request"},
		{"unknown transfer encoding", head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "malformed_request"},
		{"body shorter than said, then silence", head + "Content-Length: 10\r\n\r\n{", 408, "request_timeout"},
		{"chunks that stop coming", head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", 408, "request_timeout"},
		{"chunks that never stop", head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("100\r\n"+strings.Repeat(" ", 256)+"\r\n", 300), 413, "body_too_large"},
		{"bad chunk", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", 400, "malformed_request"},
		{"one byte too many", head + "Content-Length: 65537\r\n\r\n" + strings.Repeat(" ", 65537), 413, "body_too_large"},
		{"space in a header's name", "GET / HTTP/1.1\r\nHost: souk\r\nX A: a\r\n\r\n", 400, "malformed_request"},
		{"two hosts", "GET / HTTP/1.1\r\nHost: souk\r\nHost: other\r\n\r\n", 400, "malformed_request"},
		{"chunks in HTTP/1.0", "POST /orders HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed_request"},
		{"a host that is none", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400, "malformed_request"},
		{"another version", "GET / HTTP/2.0\r\nHost: souk\r\n\r\n", 400, "malformed_request"},
		{"no encoding", head + "Transfer-Encoding: identity\r\n\r\n", 400, "malformed_request"},
		{"a folded header", "GET / HTTP/1.1\r\nHost: souk\r\nX-A: a\r\n b\r\n\r\n", 400, "malformed_request"},
		{"chunks without their end", head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", 408, "request_timeout"},
		{"an authority alone", "CONNECT souk:443 HTTP/1.1\r\nHost: souk\r\n\r\n", 400, "invalid_path"},
		{"said to be huge", head + "Content-Length: 1000000000\r\n\r\n{}", 413, "body_too_large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, body := raw(t, s.Addr(), tt.text)
			if p := problemOf(t, response.StatusCode, response.Header, []byte(body)); response.StatusCode != tt.status || p.Code != tt.code {
				t.Errorf("got %d %s", response.StatusCode, body)
			}
		})
	}
	if response, _ := raw(t, s.Addr(), head+"Content-Length: 2\r\n\r\n{}"); response.StatusCode != 200 {
		t.Errorf("afterwards a good request gets %d", response.StatusCode)
	}
	if response, _ := raw(t, s.Addr(), head+"Content-Length: 65536\r\n\r\n{}"+strings.Repeat(" ", 65534)); response.StatusCode != 200 {
		t.Errorf("as much as is allowed gets %d", response.StatusCode)
	}
}

func TestSlowHeadersAreCutOff(t *testing.T) {
	s := start(t, httpserver.Config{HeaderTimeout: 50 * time.Millisecond}, bindServer())
	conn := dial(t, s.Addr())
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost:")
	if reply, err := io.ReadAll(conn); err != nil || strings.Contains(string(reply), "200") {
		t.Errorf("got %q, %v; want the connection closed", reply, err)
	}
}
