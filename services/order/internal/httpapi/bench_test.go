package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"souk.example/internal/httpbench"
	"souk.example/pkg/auth"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/money"
	"souk.example/pkg/overload"
	"souk.example/pkg/telemetry"
	"souk.example/services/order/internal/httpapi"
	"souk.example/services/order/internal/order"
)

// BenchmarkPlace is an order's way through the whole server to its batch and back.
// Nothing is kept.
func BenchmarkPlace(b *testing.B) {
	private, public, err := auth.GenerateKey()
	must(b, err)
	minter, err := auth.NewMinter(auth.MinterConfig{PrivateKey: private, TTL: time.Hour})
	must(b, err)
	token, _, err := minter.Mint(auth.Claims{UserID: 7, Role: auth.RoleUser, SessionID: 1})
	must(b, err)
	verifier, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	must(b, err)
	httpbench.Load(b, serveForgetful(b, verifier), fmt.Appendf(nil, "POST /v1/orders HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n"+
		"Authorization: Bearer %s\r\nIdempotency-Key: 721133-"+httpbench.Number+"\r\nX-Request-Id: 0123456789abcdef0123456789abcdef\r\n"+
		"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: souk\r\n"+
		"X-Forwarded-Proto: http\r\nContent-Length: %d\r\n\r\n%s", token, len(tea), tea), http.StatusCreated)
}

// BenchmarkShed is an order that finds no room: what an overload costs for each
// that is turned away.
func BenchmarkShed(b *testing.B) {
	full := overload.New(overload.Config{Floor: 1, Ceiling: 1})
	full.Take()
	httpbench.Load(b, serve(b, newTelemetry(b), full, nil, nil), fmt.Appendf(nil, "POST /v1/orders HTTP/1.1\r\nHost: souk\r\n"+
		"Content-Type: application/json\r\nIdempotency-Key: 721133-1\r\nContent-Length: %d\r\n\r\n%s", len(tea), tea), http.StatusServiceUnavailable)
}

// serveForgetful serves the API as in production, but for what it stands on.
func serveForgetful(b *testing.B, verifier *auth.Verifier) string {
	b.Helper()
	tel := newTelemetry(b)
	placer := order.NewPlacer(forgetful{}, answer{}, noGate{}, idgen.Static(1), order.Limits{}, groupcommit.Config{},
		groupcommit.Traced(tel.Tracer, "place orders", order.PlaceOrder.Subject))
	run(b, placer)
	return serve(b, tel, overload.New(overload.Config{}), placer, verifier)
}

func serve(b *testing.B, tel *telemetry.Telemetry, l *overload.Limiter, placer *order.Placer, verifier *auth.Verifier) string {
	b.Helper()
	cfg := httpserver.Config{AccessLog: "errors"}
	router := httpserver.NewRouter(cfg, tel)
	router.Use(overload.Middleware(l))
	httpapi.New(placer, nil, nil, nil).Register(router, verifier)
	return httpbench.Serve(b, cfg, router, tel)
}

func newTelemetry(b *testing.B) *telemetry.Telemetry {
	b.Helper()
	tel, err := telemetry.New(b.Context(), telemetry.Config{LogWriter: io.Discard})
	must(b, err)
	return tel
}

// forgetful is an order.Store that takes everything and keeps nothing.
type forgetful struct{ order.Unit }

func (f forgetful) InUnit(ctx context.Context, fn func(context.Context, order.Unit) error) error {
	return fn(ctx, f)
}

func (forgetful) Prices(context.Context, []order.SKU) (map[order.SKU]money.Amount, error) {
	return map[order.SKU]money.Amount{"TEA": money.Of(500, "CNY")}, nil
}

func (forgetful) Now(context.Context) (time.Time, error) { return time.Now(), nil }

func (forgetful) Insert(context.Context, []*order.State) error { return nil }
