package httpserver_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

// What a path takes, and what it says of the rest.
func TestMethods(t *testing.T) {
	router := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	router.GET("/things/:id", func(c *gin.Context) { c.Header("ETag", `"1"`); c.JSON(http.StatusOK, gin.H{"id": c.Param("id")}) })
	router.PATCH("/things/:id", func(c *gin.Context) { c.Status(http.StatusOK) })
	router.POST("/things", func(c *gin.Context) { c.Status(http.StatusCreated) })
	s := start(t, httpserver.Config{}, router)
	const one, many, probe = "GET, HEAD, OPTIONS, PATCH", "OPTIONS, POST", "GET, HEAD, OPTIONS"
	for _, tt := range []struct {
		method, path, allow, code string
		status                    int
	}{
		{"HEAD", "/things/1", "", "", 200},
		{"DELETE", "/things/1", one, "method_not_allowed", 405},
		{"TRACE", "/things/1", one, "method_not_allowed", 405},
		{"OPTIONS", "/things/1", one, "", 204},
		{"GET", "/things", many, "method_not_allowed", 405},
		{"HEAD", "/things", many, "", 405},
		{"OPTIONS", "/things", many, "", 204},
		{"OPTIONS", "/nothing", "", "route_not_found", 404},
		{"HEAD", "/nothing", "", "", 404},
		{"PUT", "/nothing", "", "route_not_found", 404},
		{"HEAD", "/livez", "", "", 200},
		{"HEAD", "/readyz", "", "", 200},
		{"POST", "/livez", probe, "method_not_allowed", 405},
		{"OPTIONS", "/readyz", probe, "", 204},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			response, body := raw(t, s.Addr(), tt.method+" "+tt.path+" HTTP/1.1\r\nHost: souk\r\nConnection: close\r\n\r\n")
			if response.StatusCode != tt.status || response.Header.Get("Allow") != tt.allow {
				t.Errorf("%d, Allow %q", response.StatusCode, response.Header.Get("Allow"))
			}
			id := response.Header.Get("X-Request-Id")
			if id == "" || tt.code != "" && !strings.Contains(body, `"request_id":"`+id+`"`) {
				t.Errorf("request %q: %s", id, body)
			}
			if tt.code != "" && problemOf(t, response.StatusCode, response.Header, []byte(body)).Code != tt.code {
				t.Errorf("got %s", body)
			}
			if response.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("CORS that nobody has asked for")
			}
		})
	}
}

// HEAD has the headers of GET, the length of the body that it leaves away
// included, and the connection goes on after it.
func TestHeadIsGetWithoutABody(t *testing.T) {
	router := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	router.GET("/thing", func(c *gin.Context) { c.Header("ETag", `"1"`); c.JSON(http.StatusOK, gin.H{"a": 1}) })
	s := start(t, httpserver.Config{}, router)
	for range 2 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, "http://"+s.Addr()+"/thing", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if h := response.Header; response.StatusCode != 200 || h.Get("ETag") != `"1"` || h.Get("Content-Length") != strconv.Itoa(len(`{"a":1}`)) {
			t.Errorf("%d %v", response.StatusCode, h)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// Only a load balancer that is trusted says where a client is.
func TestTheClientsAddress(t *testing.T) {
	for name, tt := range map[string]struct {
		trusted []string
		header  []string
		want    string
	}{
		"nobody is trusted":    {nil, []string{"X-Forwarded-For", "198.51.100.7"}, "192.0.2.1"},
		"another is trusted":   {[]string{"10.0.0.0/8"}, []string{"X-Forwarded-For", "198.51.100.7"}, "192.0.2.1"},
		"the proxy is trusted": {[]string{"192.0.2.0/24"}, []string{"X-Forwarded-For", "198.51.100.7"}, "198.51.100.7"},
		"what is before it":    {[]string{"192.0.2.0/24"}, []string{"X-Forwarded-For", "203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		"another header":       {[]string{"192.0.2.0/24"}, []string{"X-Real-IP", "198.51.100.7"}, "192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := httpserver.Config{TrustedProxies: tt.trusted}
			if err := cfg.Validate(); err != nil {
				t.Fatal(err)
			}
			router := httpserver.NewRouter(cfg, telemetry.Nop())
			router.GET("/", func(c *gin.Context) { c.String(http.StatusOK, c.ClientIP()) })
			if w := request(t, router, "GET", "/", tt.header...); w.Body.String() != tt.want {
				t.Errorf("got %s, want %s", w.Body, tt.want)
			}
		})
	}
	for _, bad := range []string{"10.0.0.1", "everybody", ""} {
		if (httpserver.Config{TrustedProxies: []string{bad}}).Validate() == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
