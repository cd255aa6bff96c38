package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

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
// that does nothing, by 64 connections. Client and service speak prepared bytes;
// straight is what they cost alone. Of the figures, cpu-µs/op moves least when
// others use the machine.
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
			for r := bufio.NewReader(conn); skip(r) == nil; {
				if _, err := conn.Write(reply); err != nil {
					return
				}
			}
		}()
	}
}

// skip reads one message, request or reply, to its end.
func skip(r *bufio.Reader) error {
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			_, err := r.Discard(length)
			return err
		}
		if value, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			if _, err := fmt.Sscan(value, &length); err != nil {
				return err
			}
		}
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
	server := httpserver.New(httpserver.Config{Addr: "127.0.0.1:0"}, router, tel)
	must(b, server.Listen())
	go func() { _ = server.Run(b.Context()) }()
	return server.Addr(), token
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// orders is the load: 64 clients, the next order when one is answered.
func orders(b *testing.B, addr, token string) {
	request := fmt.Appendf(nil, "POST /v1/orders HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n"+
		"Idempotency-Key: 7211334455667788-1\r\nContent-Length: %d\r\n\r\n%s", token, len(orderBody), orderBody)
	var left atomic.Int64
	left.Store(int64(b.N))
	var clients sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	for range 64 {
		clients.Go(func() { client(b, addr, request, &left) })
	}
	clients.Wait()
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
}

func client(b *testing.B, addr string, request []byte, left *atomic.Int64) {
	conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close()
	for r := bufio.NewReader(conn); left.Add(-1) >= 0; {
		if _, err := conn.Write(request); err != nil {
			b.Error(err)
			return
		}
		if status, err := r.Peek(len("HTTP/1.1 201")); err != nil || string(status[9:]) != "201" {
			b.Errorf("%s %v", status, err)
			return
		}
		if err := skip(r); err != nil {
			b.Error(err)
			return
		}
	}
}

// cpu is what the process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // never fails
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
