package edge_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/overload"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/edge"
)

// With payment full, its own routes are refused, before the token is read; others
// are not, nor are administrators and the provider. A page that may call us reads
// the refusal.
func TestAFullServiceKeepsNobodyFromTheOthers(t *testing.T) {
	full := overload.New(overload.Config{Floor: 1, Ceiling: 1})
	if _, ok := full.Take(); !ok {
		t.Fatal("not even one is taken in")
	}
	_, public, err := auth.GenerateKey()
	must(t, err)
	verifier, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	must(t, err)
	router := httpserver.NewRouter(httpserver.Config{AccessLog: "off"}, telemetry.Nop())
	router.Use(edge.CORS([]string{"https://shop.example"}))
	proxy, err := edge.NewProxy([]string{service(t, func(http.ResponseWriter, *http.Request) {})})
	must(t, err)
	proxies := map[edge.Service]*edge.Proxy{edge.User: proxy, edge.Inventory: proxy, edge.Order: proxy, edge.Payment: proxy, edge.Points: proxy}
	limits := edge.Limits{
		edge.Payment: full, edge.Inventory: overload.New(overload.Config{}), edge.User: full,
	}
	edge.Register(router, verifier, proxies, limits, func(*gin.Context) {}, nil, nil)
	for _, tc := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v1/wallet", 503}, {"POST", "/v1/webhooks/psp", 200}, {"OPTIONS", "/v1/wallet", 204},
		{"GET", "/v1/products", 200}, {"GET", "/v1/orders", 401}, {"GET", "/v1/admin/blocks", 401}, {"GET", "/v1/sessions", 503},
	} {
		r := httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, nil)
		r.Header.Set("Origin", "https://shop.example")
		if tc.method == "OPTIONS" {
			r.Header.Set("Access-Control-Request-Method", "GET")
		}
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code != tc.status || w.Header().Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("%s %s: %d %s, %v", tc.method, tc.path, w.Code, w.Body, w.Header())
		}
	}
}
