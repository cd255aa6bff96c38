package payment_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/config"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/pkg/eventbus/kafka"
	"souk.example/pkg/telemetry"
	"souk.example/services/payment"
	"souk.example/services/payment/internal/provider"
	"souk.example/services/payment/internal/provider/providertest"
)

// syncBuffer is a log that several goroutines write to.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// The whole service, from topic to topic, on a broker, a database and a
// provider of its own: a card is charged and given back, a webhook is heard,
// and the log knows neither card nor keys.
func TestACardIsChargedAndGivenBack(t *testing.T) {
	if os.Getenv("SOUK_TEST_KAFKA_BROKERS") != "" {
		t.Skip("needs topics of its own")
	}
	psp, brokers, addr, out := providertest.New(t), bustest.Brokers(t), freeAddr(t), &syncBuffer{}
	psp.Manner = func(key, _ string, nth int) providertest.Manner {
		switch {
		case key == "43": // decided later, and told by a webhook
			return providertest.Processing
		case nth == 1:
			return providertest.Replyless
		}
		return providertest.Properly
	}
	start(t, out, []string{
		"--database-dsn", "sqlite:" + filepath.Join(t.TempDir(), "payment.db"), "--kafka-brokers", strings.Join(brokers, ","),
		"--http-addr", addr, "--admin-addr", freeAddr(t), "--jwt-public-keys", publicKey(t), "--log-level", "debug", "--http-drain-delay", "0s",
		"--psp-url", psp.URL, "--psp-api-key", providertest.APIKey, "--psp-webhook-secrets", "another," + providertest.Secret, "--psp-merchant", providertest.Merchant,
	})
	bus := connect(t, brokers)
	heard := listen(t, bus)

	publish(t, bus, paymentDue(t, 42))
	expect(t, heard, "42-40 payment.captured.v1")
	publish(t, bus, refundWanted(t, 42))
	expect(t, heard, "42:late-42 payment.refunded.v1")
	if n := len(psp.Charges()) + len(psp.Refunds()); n != 2 {
		t.Errorf("the provider has %d charges and refunds", n)
	}

	publish(t, bus, paymentDue(t, 43))
	for psp.Requests("43") == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	body := providertest.Notice(t, "charge.succeeded", providertest.Merchant, psp.Amend("43", func(c *providertest.Charge) { c.Status = "succeeded" }))
	if status := send(t, addr, body, "guess"); status != http.StatusUnauthorized {
		t.Errorf("forged: %d", status)
	}
	if status := send(t, addr, body, providertest.Secret); status != http.StatusNoContent {
		t.Errorf("genuine: %d", status)
	}
	expect(t, heard, "43-40 payment.captured.v1")

	for _, secret := range []string{"tok_of_a_card", providertest.APIKey, providertest.Secret} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log knows %s:\n%s", secret, out)
		}
	}
}

func start(t *testing.T, out *syncBuffer, args []string) {
	t.Helper()
	cfg, err := config.Load[payment.Config]("payment", args, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Base.Telemetry.LogWriter = out
	app := fxrun.New(payment.Module(cfg))
	if err := app.Start(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func publicKey(t *testing.T) string {
	t.Helper()
	_, public, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func connect(t *testing.T, brokers []string) *kafka.Bus {
	t.Helper()
	bus, err := kafka.Open(t.Context(), kafka.Config{Brokers: brokers}, telemetry.Nop().Logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	return bus
}

func paymentDue(t *testing.T, order int64) eventbus.Event {
	t.Helper()
	e, err := contracts.NewEvent(contracts.OrderPaymentDue, order, &orderv1.OrderPaymentDue{
		OrderId: order, UserId: 7, Version: 2, Payable: 12990, Currency: "CNY", PaymentMethod: contracts.MethodCard, PaymentToken: "tok_of_a_card",
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func refundWanted(t *testing.T, order int64) eventbus.Event {
	t.Helper()
	id := contracts.RefundLate(order)
	e, err := contracts.NewRefundEvent(contracts.OrderRefundRequested, order, id, &orderv1.OrderRefundRequested{
		OrderId: order, UserId: 7, Version: 4, RefundId: id, Amount: 12990, Currency: "CNY",
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func publish(t *testing.T, bus *kafka.Bus, e eventbus.Event) {
	t.Helper()
	value, err := eventbus.Encode("souk/order", time.Now(), []eventbus.Event{e})
	if err != nil {
		t.Fatal(err)
	}
	record := eventbus.Record{Topic: contracts.TopicOrder, Partition: contracts.Partition(e.Subject, contracts.Partitions), Value: value}
	if errs := bus.Publish(t.Context(), []eventbus.Record{record}); errs != nil {
		t.Fatal(errs)
	}
}

// listen hears what payment tells.
func listen(t *testing.T, bus *kafka.Bus) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	heard := make(chan string, 100)
	var listening sync.WaitGroup
	listening.Go(func() {
		_ = bus.Consume(ctx, "test", []string{contracts.TopicPayment}, func(_ context.Context, c eventbus.Claim) error {
			for r := range c.Records() {
				events, err := r.Events()
				if err != nil {
					return err
				}
				for _, e := range events {
					heard <- e.ID + " " + e.Type
				}
			}
			return nil
		})
	})
	t.Cleanup(func() { cancel(); listening.Wait() })
	return heard
}

func expect(t *testing.T, heard <-chan string, want string) {
	t.Helper()
	select {
	case got := <-heard:
		if got != want {
			t.Errorf("order was told %q, want %q", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("order was never told %q", want)
	}
}

func send(t *testing.T, addr string, body []byte, secret string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/v1/webhooks/psp", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(provider.SignatureHeader, providertest.Sign(time.Now(), body, secret))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
