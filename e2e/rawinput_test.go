package e2e

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What no HTTP client would send: the server must refuse it, or read it in the
// one way that is safe, and go on.
func TestRawInputIsRefused(t *testing.T) {
	c := newcomer(t, shared)
	body := one("1")
	for name, r := range map[string]struct {
		headers string
		body    string
		want    []int
	}{
		"header of 1 MB":                 {"X-Big: " + strings.Repeat("x", 1<<20) + "\r\nContent-Length: 0\r\n", "", []int{http.StatusRequestHeaderFieldsTooLarge}},
		"length above and beside chunks": {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", []int{http.StatusBadRequest}},
		"two lengths":                    {"Content-Length: 0\r\nContent-Length: 5\r\n", "", []int{http.StatusBadRequest}},
		"negative length":                {"Content-Length: -1\r\n", "", []int{http.StatusBadRequest}},
		"unknown transfer encoding":      {"Transfer-Encoding: rot13\r\n", body, []int{http.StatusNotImplemented, http.StatusBadRequest}},
		"key with a line break":          {"Idempotency-Key: a\r\n b\r\nContent-Length: 0\r\n", "", []int{http.StatusBadRequest}},
	} {
		t.Run(name, func(t *testing.T) {
			status := sendBytes(t, c, r.headers, r.body)
			for _, want := range r.want {
				if status == want {
					return
				}
			}
			t.Errorf("status %d, want one of %v", status, r.want)
		})
	}
	if placed := orders(t, c); len(placed) != 0 {
		t.Errorf("raw input placed %d orders", len(placed))
	}
}

// sendBytes posts to /v1/orders over a bare connection; 0 when the server
// closed it without an answer.
func sendBytes(t *testing.T, c *customer, headers, body string) int {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.souk.base))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	key := ""
	if !strings.Contains(headers, "Idempotency-Key") {
		key = "Idempotency-Key: " + rand.Text() + "\r\n"
	}
	// The server may answer and hang up before it has read everything.
	_, _ = fmt.Fprintf(conn, "POST /v1/orders HTTP/1.1\r\nHost: souk\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s%s\r\n%s",
		c.token, key, headers, body)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
