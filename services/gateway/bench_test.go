package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"souk.example/internal/httpbench"
	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway"
)

const (
	orderBody   = `{"items":[{"sku":"SKU-0001","quantity":1}],"payment":{"method":"wallet"}}`
	orderAnswer = `{"id":"7211334455667788","status":"PENDING","items":[{"sku":"SKU-0001","quantity":1,"unit_price":{"amount":12990,"currency":"CNY"}}],"total":{"amount":12990,"currency":"CNY"},"version":1}`
)

// BenchmarkAnOrder sends orders through the gateway's whole chain to a service
// that does nothing. Client and service speak prepared bytes; straight is what
// they cost alone.
func BenchmarkAnOrder(b *testing.B) {
	service := listen(b)
	go answer(service)
	b.Run("straight", func(b *testing.B) { orders(b, service.Addr().String(), "t") })
	edge, token := gatewayTo(b, "http://"+service.Addr().String())
	b.Run("gateway", func(b *testing.B) { orders(b, edge, token) })
}

func listen(b *testing.B) net.Listener {
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

// answer accepts every order until l is closed.
func answer(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			reply := fmt.Appendf(nil, "HTTP/1.1 201 Created\r\nContent-Type: application/json; charset=utf-8\r\nLocation: /v1/orders/7211334455667788\r\n"+
				"X-Request-Id: 0123456789abcdef0123456789abcdef\r\nDate: Sun, 22 Nov 2026 04:00:00 GMT\r\nContent-Length: %d\r\n\r\n%s", len(orderAnswer), orderAnswer)
			for r := bufio.NewReader(conn); httpbench.Skip(r) == nil; {
				if _, err := conn.Write(reply); err != nil {
					return
				}
			}
		}()
	}
}

// gatewayTo runs a gateway in front of one order service, and returns its address
// and a customer's token.
func gatewayTo(b *testing.B, order string) (addr, token string) {
	private, public, err := auth.GenerateKey()
	must(b, err)
	minter, err := auth.NewMinter(auth.MinterConfig{PrivateKey: private, TTL: time.Hour})
	must(b, err)
	token, _, err = minter.Mint(auth.Claims{UserID: 7, Role: auth.RoleUser})
	must(b, err)
	var cfg gateway.Config
	cfg.HTTP.AccessLog = "errors"
	cfg.Telemetry.LogWriter = io.Discard
	cfg.Auth.PublicKeys = public
	for _, replicas := range []*[]string{&cfg.User, &cfg.Inventory, &cfg.Order, &cfg.Payment, &cfg.Points} {
		*replicas = []string{order}
	}
	var router *gin.Engine
	var tel *telemetry.Telemetry
	must(b, fx.New(gateway.Module(cfg), fx.Populate(&router, &tel), fx.NopLogger).Err())
	return httpbench.Serve(b, httpserver.Config{}, router, tel), token
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// orders is the load.
func orders(b *testing.B, addr, token string) {
	httpbench.Load(b, addr, fmt.Appendf(nil, "POST /v1/orders HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n"+
		"Idempotency-Key: 7211334455667788-1\r\nContent-Length: %d\r\n\r\n%s", token, len(orderBody), orderBody), http.StatusCreated)
}
