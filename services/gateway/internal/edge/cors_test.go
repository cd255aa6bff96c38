package edge_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/edge"
)

func TestCORS(t *testing.T) {
	router := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	router.Use(edge.CORS([]string{"https://shop.example"}))
	router.GET("/v1/products", func(c *gin.Context) { c.Status(http.StatusOK) })

	tests := []struct {
		name, method, origin string
		status               int
		allowed              string
	}{
		{"no page", "GET", "", 200, ""},
		{"our own page", "GET", "http://souk.test", 200, ""},
		{"configured", "GET", "https://shop.example", 200, "https://shop.example"},
		{"preflight of configured", "OPTIONS", "https://shop.example", 204, "https://shop.example"},
		{"unknown", "GET", "https://evil.example", 200, ""},
		{"preflight of unknown", "OPTIONS", "https://evil.example", 403, ""},
		{"prefix of configured", "OPTIONS", "https://shop.example.evil.example", 403, ""},
		{"other scheme", "OPTIONS", "http://shop.example", 403, ""},
		{"null", "GET", "null", 403, ""},
		{"preflight of null", "OPTIONS", "null", 403, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), tt.method, "http://souk.test/v1/products", nil)
			r.Header.Set("Access-Control-Request-Method", "GET")
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			w := httptest.NewRecorder()
			router.ServeHTTP(w, r)
			if w.Code != tt.status || w.Header().Get("Access-Control-Allow-Origin") != tt.allowed {
				t.Errorf("got %d, allowed %q", w.Code, w.Header().Get("Access-Control-Allow-Origin"))
			}
			if w.Code == 403 && code(w.Body.String()) != "origin_not_allowed" {
				t.Errorf("body %s", w.Body)
			}
			if w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials are never involved")
			}
		})
	}
}

// A null origin stays refused though somebody configures it.
// No other origin's page may open a WebSocket, which its browser would let it read.
func TestASocketIsForPagesThatMayRead(t *testing.T) {
	router := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	router.Use(edge.CORS([]string{"https://shop.example"}))
	router.GET("/v1/ws", func(c *gin.Context) { c.Status(http.StatusOK) })
	for origin, status := range map[string]int{"": 200, "http://souk.test": 200, "https://shop.example": 200, "https://evil.example": 403, "null": 403} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://souk.test/v1/ws", nil)
		r.Header.Set("Upgrade", "websocket")
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		if router.ServeHTTP(w, r); w.Code != status {
			t.Errorf("%q: %d", origin, w.Code)
		}
	}
}

func TestCORSNeverTrustsNull(t *testing.T) {
	router := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	router.Use(edge.CORS([]string{"null"}))
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	r.Header.Set("Origin", "null")
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("got %d", w.Code)
	}
}
