package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"souk.example/pkg/auth"
	"souk.example/pkg/cache"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/idgen"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/telemetry"
	"souk.example/services/inventory/internal/catalogue"
	"souk.example/services/inventory/internal/httpapi"
	"souk.example/services/inventory/internal/inventory"
	"souk.example/services/inventory/internal/store"
	"souk.example/services/inventory/migrations"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then; the
	// benchmarks' server has goroutines that end some time after it.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

type nobody struct{}

func (nobody) Append(context.Context, *database.Tx, string, ...eventbus.Event) error { return nil }

// service is inventory's HTTP surface on a database and a Redis of its own.
type service struct {
	http.Handler
	db        *database.DB
	minter    *auth.Minter
	stopRedis func()
}

func newService(t testing.TB) *service {
	return newServiceWith(t, httpserver.NewRouter(httpserver.Config{}, telemetry.Nop()))
}

// newServiceWith adds the routes to router.
func newServiceWith(t testing.TB, router *gin.Engine) *service {
	t.Helper()
	private, public, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	if err != nil {
		t.Fatal(err)
	}
	minter, err := auth.NewMinter(auth.MinterConfig{PrivateKey: private})
	if err != nil {
		t.Fatal(err)
	}
	db, mini := databasetest.Open(t, idempotency.Migrations(), migrations.Set()), redistest.Mini(t)
	s := store.New(db, nobody{}, idgen.Static(1))
	cached, err := cache.New("page", redistest.Dial(t, mini.Addr()), cache.Config{TTL: time.Hour},
		cache.WithCodec[catalogue.Page](catalogue.Codec{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cached.Close)
	pages := catalogue.NewPages(cached, s, telemetry.Nop().Logger)
	httpapi.New(inventory.NewManager(s, pages, time.Now), s, s, pages).Register(router, verifier)
	return &service{Handler: router, db: db, minter: minter, stopRedis: mini.Close}
}

// call is one request; without a role it comes without a token.
type call struct {
	method, path, role, key, body string
	header                        map[string]string
}

func (s *service) do(t testing.TB, c call) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		req.Header.Set("Idempotency-Key", c.key)
	}
	if c.role != "" {
		token, _, err := s.minter.Mint(auth.Claims{UserID: 1, Role: c.role, SessionID: 1})
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	return w
}

func get(path string) call { return call{method: http.MethodGet, path: path} }

func admin(method, path, body string) call {
	return call{method: method, path: path, role: "admin", key: "key-1", body: body}
}

func (s *service) add(t testing.TB, skus ...string) {
	t.Helper()
	for _, sku := range skus {
		body := `{"sku":"` + sku + `","name":"Teapot","description":"Holds tea","price":{"amount":1999,"currency":"CNY"},"stock":7}`
		if w := s.do(t, admin(http.MethodPost, "/v1/admin/products", body)); w.Code != http.StatusCreated {
			t.Fatalf("add %s: %d %s", sku, w.Code, w.Body)
		}
	}
}

func decode(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%d %q: %v", w.Code, w.Body, err)
	}
	return body
}
