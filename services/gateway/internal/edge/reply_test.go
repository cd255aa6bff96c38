package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/httpserver"
)

// raw is a service that answers each request with text and closes the connection.
func raw(t *testing.T, text string) string {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	var all sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, text)
			}
			_ = c.Close()
		}
	})
	return "http://" + l.Addr().String()
}

// What a service says beyond its reply, at once or later, must not become the next
// client's.
func TestNothingIsLeftForTheNext(t *testing.T) {
	const mine, other = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
	for together, later := range map[string]string{mine + other: "", mine: other} {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		conns := make(chan net.Conn, 3)
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for c, err := l.Accept(); err == nil; c, err = l.Accept() {
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = io.WriteString(c, together)
				conns <- c
			}
		}()
		g := open(t, httpserver.Config{}, "http://"+l.Addr().String())
		for range 3 {
			if resp, body := g.do("GET", "/v1/products", nil, ""); resp.StatusCode != 200 || body != "mine" {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
			c := <-conns
			defer c.Close()
			_, _ = io.WriteString(c, later)
			if later == "" {
				_ = c.(*net.TCPConn).CloseWrite()
			}
		}
	}
}

// Half a reply must not look like a whole one, wherever it ends; without a length
// there is no telling.
func TestRepliesThatEndEarly(t *testing.T) {
	for head, whole := range map[string]bool{
		"Content-Length: 9\r\n\r\nhalf":                    false,
		"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n":  false,
		"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf":      false,
		"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf":      false,
		"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n1": false,
		"\r\nhalf": true,
	} {
		g := open(t, httpserver.Config{}, raw(t, "HTTP/1.1 200 OK\r\n"+head))
		resp, err := http.Get(g.url + "/v1/products") // fails where our reply had not begun
		var text []byte
		if err == nil {
			text, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		if (err == nil) != whole || whole && string(text) != "half" {
			t.Errorf("%q: %q, %v", head, text, err)
		}
	}
}

// A reply that stops half way is cut when the time is up.
func TestAReplyThatStopsComing(t *testing.T) {
	g := open(t, httpserver.Config{RequestTimeout: 50 * time.Millisecond}, service(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	if resp, err := http.Get(g.url + "/v1/products"); err == nil {
		t.Errorf("the client took %q for the whole reply", whole(t, resp))
	}
}

// Replies come through as they are: without a body, with interim ones before,
// large, chunked, and with every header twice if it was.
func TestRepliesComeThrough(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 64<<10)
	for name, h := range map[string]func(w http.ResponseWriter) (status int, body string){
		"nothing":      func(w http.ResponseWriter) (int, string) { w.WriteHeader(204); return 204, "" },
		"not modified": func(w http.ResponseWriter) (int, string) { w.WriteHeader(304); return 304, "" },
		"empty":        func(http.ResponseWriter) (int, string) { return 200, "" },
		"after 103":    func(w http.ResponseWriter) (int, string) { w.WriteHeader(103); w.WriteHeader(409); return 409, "" },
		"large": func(w http.ResponseWriter) (int, string) {
			w.Header().Set("Content-Length", fmt.Sprint(len(large)))
			_, _ = io.WriteString(w, large)
			return 200, large
		},
		"chunked": func(w http.ResponseWriter) (int, string) {
			w.WriteHeader(201)
			_, _ = io.WriteString(w, large)
			return 201, large
		},
	} {
		t.Run(name, func(t *testing.T) {
			var status int
			var body string
			g := open(t, httpserver.Config{}, service(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Etag"], w.Header()["X-Two"], w.Header()["Content-Type"] = []string{`"v1"`}, []string{"1", "2"}, nil
				status, body = h(w)
			}))
			for range 2 { // the second on the same connection
				resp, got := g.do("GET", "/v1/products", nil, "")
				if resp.StatusCode != status || got != body || resp.Header.Get("Etag") != `"v1"` || len(resp.Header["X-Two"]) != 2 || len(resp.Header["Date"]) != 1 {
					t.Errorf("%d, %d bytes, %v", resp.StatusCode, len(got), resp.Header)
				}
				if kind := resp.Header["Content-Type"]; body == "" && kind != nil {
					t.Errorf("content type %v of nothing", kind)
				}
			}
		})
	}
}

// How long a reply may be kept its service knows: the edge says it for its own
// alone.
func TestTheServiceSaysWhatMayBeKept(t *testing.T) {
	g := open(t, httpserver.Config{}, service(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
	}))
	if resp, _ := g.do("GET", "/v1/orders", g.bearer(), ""); !slices.Equal(resp.Header["Cache-Control"], []string{"no-cache"}) {
		t.Errorf("%d, Cache-Control %q", resp.StatusCode, resp.Header["Cache-Control"])
	}
}
